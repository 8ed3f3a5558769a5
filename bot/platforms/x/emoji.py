"""Emoji sequences that X counts as one; written by tools/emoji_table.py, not by hand.

Only what has more than one code point is here: a single emoji weighs 2 by its range anyway.
Source: Unicode's emoji-test.txt up to Emoji 11, by way of PyPI's emoji 2.16.0.
"""

#: Followed by U+FE0F they are one.
STYLED = """
    1f004 1f170 1f171 1f17e 1f17f 1f202 1f21a 1f22f 1f237 1f321 1f324 1f325 1f326 1f327 1f328 1f329
    1f32a 1f32b 1f32c 1f336 1f37d 1f396 1f397 1f399 1f39a 1f39b 1f39e 1f39f 1f3cb 1f3cc 1f3cd 1f3ce
    1f3d4 1f3d5 1f3d6 1f3d7 1f3d8 1f3d9 1f3da 1f3db 1f3dc 1f3dd 1f3de 1f3df 1f3f3 1f3f5 1f3f7 1f43f
    1f441 1f4fd 1f549 1f54a 1f56f 1f570 1f573 1f574 1f575 1f576 1f577 1f578 1f579 1f587 1f58a 1f58b
    1f58c 1f58d 1f590 1f5a5 1f5a8 1f5b1 1f5b2 1f5bc 1f5c2 1f5c3 1f5c4 1f5d1 1f5d2 1f5d3 1f5dc 1f5dd
    1f5de 1f5e1 1f5e3 1f5e8 1f5ef 1f5f3 1f5fa 1f6cb 1f6cd 1f6ce 1f6cf 1f6e0 1f6e1 1f6e2 1f6e3 1f6e4
    1f6e5 1f6e9 1f6f0 1f6f3 203c 2049 2122 2139 2194 2195 2196 2197 2198 2199 21a9 21aa 231a 231b
    2328 23cf 23ed 23ee 23ef 23f1 23f2 23f8 23f9 23fa 24c2 25aa 25ab 25b6 25c0 25fb 25fc 25fd 25fe
    2600 2601 2602 2603 2604 260e 2611 2614 2615 2618 261d 2620 2622 2623 2626 262a 262e 262f 2638
    2639 263a 2640 2642 2648 2649 264a 264b 264c 264d 264e 264f 2650 2651 2652 2653 265f 2660 2663
    2665 2666 2668 267b 267f 2692 2693 2694 2695 2696 2697 2699 269b 269c 26a0 26a1 26aa 26ab 26b0
    26b1 26bd 26be 26c4 26c5 26c8 26cf 26d1 26d3 26d4 26e9 26ea 26f0 26f1 26f2 26f3 26f4 26f5 26f7
    26f8 26f9 26fa 26fd 2702 2708 2709 270c 270d 270f 2712 2714 2716 271d 2721 2733 2734 2744 2747
    2757 2763 2764 27a1 2934 2935 2b05 2b06 2b07 2b1b 2b1c 2b50 2b55 3030 303d 3297 3299 a9 ae
"""

#: Followed by a skin tone they are one.
TONED = """
    1f385 1f3c2 1f3c3 1f3c4 1f3c7 1f3ca 1f3cb 1f3cc 1f442 1f443 1f446 1f447 1f448 1f449 1f44a 1f44b
    1f44c 1f44d 1f44e 1f44f 1f450 1f466 1f467 1f468 1f469 1f46e 1f470 1f471 1f472 1f473 1f474 1f475
    1f476 1f477 1f478 1f47c 1f481 1f482 1f483 1f485 1f486 1f487 1f4aa 1f574 1f575 1f57a 1f590 1f595
    1f596 1f645 1f646 1f647 1f64b 1f64c 1f64d 1f64e 1f64f 1f6a3 1f6b4 1f6b5 1f6b6 1f6c0 1f6cc 1f918
    1f919 1f91a 1f91b 1f91c 1f91e 1f91f 1f926 1f930 1f931 1f932 1f933 1f934 1f935 1f936 1f937 1f938
    1f939 1f93d 1f93e 1f9b5 1f9b6 1f9b8 1f9b9 1f9d1 1f9d2 1f9d3 1f9d4 1f9d5 1f9d6 1f9d7 1f9d8 1f9d9
    1f9da 1f9db 1f9dc 1f9dd 261d 26f7 26f9 270a 270b 270c 270d
"""

#: Pairs of regional indicators.
FLAGS = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br
    bs bt bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cp cr cu cv cw cx cy cz de dg dj dk dm do
    dz ea ec ee eg eh er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt
    gu gw gy hk hm hn hr ht hu ic id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr
    kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu
    mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py
    qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz ta tc td tf tg
    th tj tk tl tm tn to tr tt tv tw tz ua ug um un us uy uz va vc ve vg vi vn vu wf ws xk ye yt za
    zm zw
"""

#: Joined and tagged sequences, each first sign with each of the endings after it;
#: 1f3fb stands for each of the five skin tones.
LONGER = """
    26f9 1f3cb 1f3cc 1f575: 1f3fb-200d-2640-fe0f 1f3fb-200d-2642-fe0f fe0f-200d-2640-fe0f
    fe0f-200d-2642-fe0f; 1f3c3 1f3c4 1f3ca 1f46e 1f471 1f473 1f477 1f481 1f482 1f486 1f487 1f645
    1f646 1f647 1f64b 1f64d 1f64e 1f6a3 1f6b4 1f6b5 1f6b6 1f926 1f935 1f937 1f938 1f939 1f93d 1f93e
    1f9b8 1f9b9 1f9d6 1f9d7 1f9d8 1f9d9 1f9da 1f9db 1f9dc 1f9dd: 1f3fb-200d-2640-fe0f
    1f3fb-200d-2642-fe0f 200d-2640-fe0f 200d-2642-fe0f; 1f3f3: fe0f-200d-1f308; 1f3f4:
    200d-2620-fe0f e0067-e0062-e0065-e006e-e0067-e007f e0067-e0062-e0073-e0063-e0074-e007f
    e0067-e0062-e0077-e006c-e0073-e007f; 1f441: 200d-1f5e8; 1f468: 1f3fb-200d-1f33e 1f3fb-200d-1f373
    1f3fb-200d-1f393 1f3fb-200d-1f3a4 1f3fb-200d-1f3a8 1f3fb-200d-1f3eb 1f3fb-200d-1f3ed
    1f3fb-200d-1f4bb 1f3fb-200d-1f4bc 1f3fb-200d-1f527 1f3fb-200d-1f52c 1f3fb-200d-1f680
    1f3fb-200d-1f692 1f3fb-200d-1f9b0 1f3fb-200d-1f9b1 1f3fb-200d-1f9b2 1f3fb-200d-1f9b3
    1f3fb-200d-2695-fe0f 1f3fb-200d-2696-fe0f 1f3fb-200d-2708-fe0f 200d-1f33e 200d-1f373 200d-1f393
    200d-1f3a4 200d-1f3a8 200d-1f3eb 200d-1f3ed 200d-1f466 200d-1f466-200d-1f466 200d-1f467
    200d-1f467-200d-1f466 200d-1f467-200d-1f467 200d-1f468-200d-1f466
    200d-1f468-200d-1f466-200d-1f466 200d-1f468-200d-1f467 200d-1f468-200d-1f467-200d-1f466
    200d-1f468-200d-1f467-200d-1f467 200d-1f469-200d-1f466 200d-1f469-200d-1f466-200d-1f466
    200d-1f469-200d-1f467 200d-1f469-200d-1f467-200d-1f466 200d-1f469-200d-1f467-200d-1f467
    200d-1f4bb 200d-1f4bc 200d-1f527 200d-1f52c 200d-1f680 200d-1f692 200d-1f9b0 200d-1f9b1
    200d-1f9b2 200d-1f9b3 200d-2695-fe0f 200d-2696-fe0f 200d-2708-fe0f 200d-2764-fe0f-200d-1f468
    200d-2764-fe0f-200d-1f48b-200d-1f468; 1f469: 1f3fb-200d-1f33e 1f3fb-200d-1f373 1f3fb-200d-1f393
    1f3fb-200d-1f3a4 1f3fb-200d-1f3a8 1f3fb-200d-1f3eb 1f3fb-200d-1f3ed 1f3fb-200d-1f4bb
    1f3fb-200d-1f4bc 1f3fb-200d-1f527 1f3fb-200d-1f52c 1f3fb-200d-1f680 1f3fb-200d-1f692
    1f3fb-200d-1f9b0 1f3fb-200d-1f9b1 1f3fb-200d-1f9b2 1f3fb-200d-1f9b3 1f3fb-200d-2695-fe0f
    1f3fb-200d-2696-fe0f 1f3fb-200d-2708-fe0f 200d-1f33e 200d-1f373 200d-1f393 200d-1f3a4 200d-1f3a8
    200d-1f3eb 200d-1f3ed 200d-1f466 200d-1f466-200d-1f466 200d-1f467 200d-1f467-200d-1f466
    200d-1f467-200d-1f467 200d-1f469-200d-1f466 200d-1f469-200d-1f466-200d-1f466
    200d-1f469-200d-1f467 200d-1f469-200d-1f467-200d-1f466 200d-1f469-200d-1f467-200d-1f467
    200d-1f4bb 200d-1f4bc 200d-1f527 200d-1f52c 200d-1f680 200d-1f692 200d-1f9b0 200d-1f9b1
    200d-1f9b2 200d-1f9b3 200d-2695-fe0f 200d-2696-fe0f 200d-2708-fe0f 200d-2764-fe0f-200d-1f468
    200d-2764-fe0f-200d-1f469 200d-2764-fe0f-200d-1f48b-200d-1f468
    200d-2764-fe0f-200d-1f48b-200d-1f469; 1f46f 1f93c 1f9de 1f9df: 200d-2640-fe0f 200d-2642-fe0f;
"""
