// The official Node client, unmodified: node client.mjs BASE_URL KEY SLOW_KEY. Prints one line per check.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const [baseURL, apiKey, slowKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const small = { model: "flux-2-klein-4b", size: "256x256" };

function sizeOf(item) {
  const bytes = Buffer.from(item.b64_json, "base64");
  assert.equal(bytes.subarray(1, 4).toString(), "PNG");
  return `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
}

async function file(name, type = "image/png") {
  const made = await client.images.generate({ prompt: name, ...small });
  return toFile(Buffer.from(made.data[0].b64_json, "base64"), name, { type });
}

async function fails(kind, status, asked) {
  await assert.rejects(asked, (error) => error instanceof kind && error.status === status && Boolean(error.code));
}

const checks = {
  async generate() {
    const made = await client.images.generate({ prompt: "a red bicycle", ...small, n: 2 });
    assert.deepEqual(made.data.map(sizeOf), ["256x256", "256x256"]);
  },
  async url() {
    const made = await client.images.generate({ prompt: "a red bicycle", ...small, response_format: "url" });
    const found = await fetch(made.data[0].url);
    assert.equal(found.headers.get("content-type"), "image/png");
    await found.arrayBuffer();
  },
  async editSeveral() {
    const image = [await file("a.png"), await file("b.png")];
    const made = await client.images.edit({
      prompt: "two images and a mask", image, mask: await file("m.png"), model: "gpt-image-2", quality: "low",
      size: "1024x1024", input_fidelity: "high",
    });
    assert.equal(sizeOf(made.data[0]), "1024x1024");
  },
  async editOne() {
    const image = await file("t.png", "application/octet-stream");
    const made = await client.images.edit({ prompt: "one image", image, size: "256x256" });
    assert.equal(sizeOf(made.data[0]), "256x256");
  },
  async stream() {
    const asked = { prompt: "a red bicycle", model: "gpt-image-2", quality: "low", stream: true, partial_images: 2 };
    const seen = [];
    for await (const event of await client.images.generate(asked)) {
      seen.push(event.type);
      assert.equal(sizeOf(event), "1024x1024");
    }
    assert.deepEqual(seen, [
      "image_generation.partial_image", "image_generation.partial_image", "image_generation.completed",
    ]);
  },
  async editStream() {
    const image = await file("t.png");
    const asked = { prompt: "blue", image, model: "gpt-image-2", quality: "low", stream: true, partial_images: 1 };
    const seen = [];
    for await (const event of await client.images.edit(asked)) seen.push(event.type);
    assert.deepEqual(seen, ["image_edit.partial_image", "image_edit.completed"]);
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.includes("auto") && ids.includes("gpt-image-2"));
    assert.equal((await client.models.retrieve("gpt-image-2")).id, "gpt-image-2");
  },
  async errors() {
    await fails(OpenAI.BadRequestError, 400, () => client.images.generate({ prompt: "x", ...small, size: "1000x1000" }));
    await fails(OpenAI.NotFoundError, 404, () => client.images.generate({ prompt: "x", model: "dall-e-3" }));
    const stranger = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
    await fails(OpenAI.AuthenticationError, 401, () => stranger.models.list());
    const slow = new OpenAI({ baseURL, apiKey: slowKey, maxRetries: 0 });
    await slow.images.generate({ prompt: "x", ...small });
    await fails(OpenAI.RateLimitError, 429, () => slow.images.generate({ prompt: "x", ...small }));
    const once = { headers: { "Idempotency-Key": "node" } };
    await client.images.generate({ prompt: "x", ...small }, once);
    await fails(OpenAI.UnprocessableEntityError, 422, () => client.images.generate({ prompt: "y", ...small }, once));
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok ${name}`);
}
