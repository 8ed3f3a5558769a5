"""Pictures are named, found and judged while the campaign is checked, never while it is sent."""

import pytest

from bot.content.files import Bounds
from tests.fakes.campaign_tree import CampaignTree, picture
from tests.fakes.mistakes import mistakes


@pytest.fixture
def tree(tree: CampaignTree) -> CampaignTree:
    tree.put("posts/media/card.png", picture())
    tree.put("posts/media/2026/other.png", picture())
    return tree


def use(tree: CampaignTree, *files: str) -> list[str]:
    listed = ", ".join(f"{{file: {file}, alt: A}}" for file in files)
    tree.put_post("text: x", "queue: main", f"media: [{listed}]")
    return tree.errors()


@pytest.mark.parametrize("file", ["media/card.png", "media/2026/other.png"])
def test_a_picture_below_media_is_found_by_its_name(tree: CampaignTree, file: str) -> None:
    assert use(tree, file) == []


def test_a_picture_that_no_post_uses_is_a_notice(tree: CampaignTree) -> None:
    assert use(tree, "media/card.png") == []
    assert tree.problems() == ["posts/media/2026/other.png:0:0: notice: no post uses this picture"]


NO_PICTURES = """
media/crad.png
    no file 'media/crad.png' in posts; did you mean 'media/card.png'?
media/../media/card.png
    'media/../media/card.png' is no file of posts/media; write it as media/card.png
../posts/media/card.png
    '../posts/media/card.png' is no file of posts/media; write it as media/card.png
/etc/passwd
    '/etc/passwd' is no file of posts/media; write it as media/card.png
card.png
    'card.png' is no file of posts/media; write it as media/card.png
media//card.png
    'media//card.png' is no file of posts/media; write it as media/card.png
./media/card.png
    './media/card.png' is no file of posts/media; write it as media/card.png
media\\card.png
    'media\\card.png' is no file of posts/media; write it as media/card.png
"media/card.png "
    'media/card.png ' is no file of posts/media; write it as media/card.png
""
    '' is no file of posts/media; write it as media/card.png
sources/letter.txt
    'sources/letter.txt' is not in posts/media; put it there, write media/card.png
media/Card.png
    the file is called 'media/card.png'; write it just so, capital letters count
media/none
    no file 'media/none' in posts; there are: media/2026/other.png, media/card.png
"""


@pytest.mark.parametrize(("file", "message"), mistakes(NO_PICTURES))
def test_a_name_that_is_no_picture_of_the_campaign_is_refused(
    tree: CampaignTree, file: str, message: str
) -> None:
    assert use(tree, file) == [f"posts/p.yaml:5:20: p.media[0].file: {message}"]


def test_a_name_with_a_nul_is_refused(tree: CampaignTree) -> None:
    assert use(tree, '"media/card.png\\0"') == [
        "posts/p.yaml:5:20: U+0000 NULL may not stand in a text; take it out",
        "posts/p.yaml:5:20: p.media[0].file: no file 'media/card.png\0' in posts; "
        "did you mean 'media/card.png'?",
    ]


def test_the_same_picture_twice_in_a_post_is_a_mistake(tree: CampaignTree) -> None:
    assert use(tree, "media/card.png", "media/card.png") == [
        "posts/p.yaml:5:45: p.media[1]: 'media/card.png' stands here twice; keep one"
    ]


@pytest.mark.parametrize(
    ("alt", "message"),
    [
        ("", "5:19: p.media[0].alt: missing; describe the picture for people who cannot see it"),
        (
            ", alt: ",
            "5:42: p.media[0].alt: has no value (what follows a # is a comment); write text",
        ),
        (
            ', alt: " "',
            "5:42: p.media[0].alt: has nothing that can be seen; write text, or take the key out",
        ),
    ],
)
def test_a_picture_without_a_description_is_refused(
    tree: CampaignTree, alt: str, message: str
) -> None:
    tree.put_post("text: x", "queue: main", f"media: [ {{file: media/card.png{alt}}}]")

    assert tree.errors() == [f"posts/p.yaml:{message}".replace("5:19", "5:14")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("card.png", b"<svg/>", "the file holds no picture"),
        ("card.jpg", picture(), "'media/card.jpg' holds image/png; rename it to end in .png"),
    ],
)
def test_what_the_judge_of_pictures_says_is_told_where_the_picture_is_named(
    tree: CampaignTree, name: str, content: bytes, told: str
) -> None:
    tree.put(f"posts/media/{name}", content)

    assert use(tree, f"media/{name}") == [f"posts/p.yaml:5:20: p.media[0].file: {told}"]


def test_a_picture_that_is_too_large_is_not_read(tree: CampaignTree) -> None:
    with (tree.posts / "media/card.png").open("wb") as file:
        file.truncate(30_000_000)

    assert use(tree, "media/card.png") == [
        "posts/p.yaml:5:20: p.media[0].file: has 30,000,000 bytes, and 20,000,000 are the most; "
        "split it, or make it smaller"
    ]


def test_all_pictures_together_are_bounded(tree: CampaignTree) -> None:
    tree.put_post(
        "text: x",
        "queue: main",
        "media: [{file: media/card.png, alt: A}, {file: media/2026/other.png, alt: B}]",
    )

    assert tree.problems(bounds=Bounds(all_picture_bytes=20)) == [
        "posts/p.yaml:5:52: p.media[1].file: all pictures together have more than 20 bytes; "
        "use fewer"
    ]


def test_a_picture_that_many_posts_use_is_read_once(tree: CampaignTree) -> None:
    tree.put_post("text: x", "queue: main", "media: [{file: media/card.png, alt: A}]")
    tree.put("posts/q.yaml", (tree.posts / "p.yaml").read_text().replace("id: p", "id: q"))
    loaded = tree.load(bounds=Bounds(all_picture_bytes=20))

    assert loaded.campaign
    assert loaded.files["posts/media/card.png"] == picture()
    assert "posts/media/2026/other.png" not in loaded.files
