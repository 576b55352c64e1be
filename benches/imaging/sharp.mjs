// sharp's side of benches/imaging/run: the same line protocol, as MODE naive or chained.
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(path.join(process.env.GALERRA_PEERS, 'package.json'));
const sharp = require('sharp');
const mode = process.argv[2];
sharp.concurrency(1);
sharp.cache(false);

const SIZES = { j1: [1280], j4: [320, 640, 1280, 2048], j8: [320, 640, 1280, 2048] };
const fit = (image, size) => image.resize(size, size, { fit: 'inside', withoutEnlargement: true });

async function develop(job, file) {
  const outputs = {};
  let source = () => sharp(file).rotate();
  if (mode === 'chained') {
    const { data, info } = await fit(sharp(file).rotate(), 2048).toColourspace('srgb').raw()
      .toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    source = () => sharp(data, { raw });
  }
  for (const size of SIZES[job]) {
    outputs[`${size}.jpg`] = await fit(source(), size).jpeg({ quality: 80 }).toBuffer();
    if (job === 'j8') outputs[`${size}.webp`] = await fit(source(), size).webp({ quality: 80 }).toBuffer();
  }
  return outputs;
}

async function answer({ job, path: file, out }) {
  const bytes = fs.readFileSync(file);
  const wall = performance.now();
  const before = process.cpuUsage();
  const outputs = await develop(job, bytes);
  const spent = process.cpuUsage(before);
  const took = performance.now() - wall;
  const sizes = {};
  for (const [name, data] of Object.entries(outputs)) {
    sizes[name] = data.length;
    if (out) fs.writeFileSync(path.join(out, name), data);
  }
  return { cpu: (spent.user + spent.system) / 1000, wall: took, bytes: sizes };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const answered = await answer(JSON.parse(line)).catch((error) => ({ error: error.message }));
  console.log(JSON.stringify(answered));
}
