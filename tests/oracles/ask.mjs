// Reads JSON texts, one a line; prints for each, one a line, what the platforms' own code says.
// X's places are UTF-16 units, a facet's are UTF-8 bytes.
import { createInterface } from "node:readline";
import { RichText } from "@atproto/api";
import twitter from "twitter-text";

function asX(text) {
  const urls = twitter.extractUrlsWithIndices(text, { extractUrlsWithoutProtocol: true });
  const parsed = twitter.parseTweet(text);
  return {
    weight: parsed.weightedLength,
    urls: urls.map(({ url, indices }) => [indices[0], indices[1], url]),
  };
}

function asBluesky(text) {
  const rich = new RichText({ text });
  rich.detectFacetsWithoutResolution();
  const facets = (rich.facets ?? []).map(({ index, features: [feature] }) => {
    const kind = feature.$type.split("#")[1];
    return [kind, index.byteStart, index.byteEnd, feature.uri ?? feature.tag ?? feature.did];
  });
  return { graphemes: rich.graphemeLength, bytes: rich.length, facets };
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const text = JSON.parse(line);
  console.log(JSON.stringify({ x: asX(text), bluesky: asBluesky(text) }));
}
