import { readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';

/**
 * A process of its own: reads a WAV of 16 bits and 48 kHz, writes it without noise. Arguments: from, to. Chunk by chunk, so
 * that memory does not grow with the file. Says on standard output how many samples are done, one line each second of sound
 * or so (`at 48000`), and last how many CPU seconds it took (`cpu 1.25`).
 */

interface Denoiser {
	/** Set when the WebAssembly is ready. */
	processor?: unknown;
	process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}
type DenoiserClass = new (options: { processorOptions: { wasmBinary: ArrayBuffer; maxChannels: number } }) => Denoiser;

/** What Web Audio hands over at a time. */
const BLOCK = 128;
/** Samples by which the result lags behind, found by cross-correlation with the source. */
const DELAY = 1530;
const CHUNK_BLOCKS = 512;
/** RIFF, fmt and data without anything else. */
const HEADER_BYTES = 44;
/** A file of 4 GB and more cannot say its length: readers then read to the end. */
const MAX_SIZE = 0xffffffff;

const [from = '', to = ''] = process.argv.slice(2);

/** The package is made for AudioWorklets of browsers; this is the part of them that it uses. */
async function loadDenoiser(): Promise<DenoiserClass> {
	let found: DenoiserClass | undefined;
	Object.assign(globalThis, {
		sampleRate: 48_000,
		AudioWorkletProcessor: class {
			port = { addEventListener(): void {}, start(): void {}, postMessage(): void {} };
		},
		registerProcessor: (_name: string, processor: DenoiserClass) => (found = processor),
	});
	await import('@sapphi-red/web-noise-suppressor/gtcrnWorklet.js');
	if (!found) throw new Error('the noise suppressor registered nothing');
	return found;
}

async function ready(channels: number): Promise<Denoiser> {
	const Denoiser = await loadDenoiser();
	const wasm = readFileSync(createRequire(import.meta.url).resolve('@sapphi-red/web-noise-suppressor/gtcrn.wasm'));
	const wasmBinary = wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength);
	const denoiser = new Denoiser({ processorOptions: { wasmBinary, maxChannels: channels } });
	while (!denoiser.processor) await new Promise((resolve) => setImmediate(resolve));
	return denoiser;
}

/** Where the samples begin, and of how many channels. Chunk by chunk: tags stand before the samples, and may say "data", too. */
async function readHeader(file: FileHandle): Promise<{ start: number; channels: number }> {
	const head = Buffer.alloc(24);
	let channels = 0;
	// RIFF or RF64, a length, WAVE.
	for (let at = 12; (await file.read(head, 0, head.length, at)).bytesRead >= 8; ) {
		const type = head.toString('latin1', 0, 4);
		if (type === 'fmt ') channels = head.readUInt16LE(10);
		if (type === 'data' && channels > 0) return { start: at + 8, channels };
		const size = head.readUInt32LE(4);
		at += 8 + size + (size % 2);
	}
	throw new Error('not a WAV');
}

function header(channels: number, dataBytes: number): Buffer {
	const head = Buffer.alloc(HEADER_BYTES);
	head.write('RIFF', 0);
	head.writeUInt32LE(Math.min(MAX_SIZE, dataBytes + HEADER_BYTES - 8), 4);
	head.write('WAVEfmt ', 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(channels, 22);
	head.writeUInt32LE(48_000, 24);
	head.writeUInt32LE(48_000 * channels * 2, 28);
	head.writeUInt16LE(channels * 2, 32);
	head.writeUInt16LE(16, 34);
	head.write('data', 36);
	head.writeUInt32LE(Math.min(MAX_SIZE, dataBytes), 40);
	return head;
}

const source = await open(from, 'r');
const target = await open(to, 'w');
const { start, channels } = await readHeader(source);
const denoiser = await ready(channels);
const frameBytes = channels * 2;
const planes = (): Float32Array[] => Array.from({ length: channels }, () => new Float32Array(BLOCK));
const [input, output] = [planes(), planes()];
const chunk = Buffer.alloc(CHUNK_BLOCKS * BLOCK * frameBytes);
let at = start;
let total = 0;
let skip = DELAY;
let written = 0;
await target.write(header(channels, 0), 0, HEADER_BYTES, 0);
for (let left = DELAY, ended = false; !ended || left > 0; ) {
	const bytesRead: number = ended ? 0 : (await source.read(chunk, 0, chunk.length, at)).bytesRead;
	at += bytesRead;
	const frames = Math.floor(bytesRead / frameBytes);
	total += frames;
	ended = bytesRead < chunk.length;
	// After the end, silence pushes out what the delay holds back.
	chunk.fill(0, frames * frameBytes);
	const blocks = ended ? Math.min(CHUNK_BLOCKS, Math.ceil((frames + left) / BLOCK)) : CHUNK_BLOCKS;
	if (ended) left -= blocks * BLOCK - frames;
	for (let block = 0; block < blocks; block++) {
		const first = block * BLOCK * channels;
		for (let i = 0; i < BLOCK * channels; i++) input[i % channels]![Math.floor(i / channels)] = chunk.readInt16LE((first + i) * 2) / 32_768;
		denoiser.process([input], [output]);
		for (let i = 0; i < BLOCK * channels; i++) {
			const sample = Math.round(output[i % channels]![Math.floor(i / channels)]! * 32_768);
			chunk.writeInt16LE(Math.max(-32_768, Math.min(32_767, sample)), (first + i) * 2);
		}
	}
	const skipped = Math.min(skip, blocks * BLOCK);
	skip -= skipped;
	const length = Math.min(blocks * BLOCK - skipped, ended ? total - written : Infinity) * frameBytes;
	await target.write(chunk, skipped * frameBytes, length, HEADER_BYTES + written * frameBytes);
	written += length / frameBytes;
	process.stdout.write(`at ${written}\n`);
}
await target.write(header(channels, written * frameBytes), 0, HEADER_BYTES, 0);
await Promise.all([source.close(), target.close()]);
const { user, system } = process.cpuUsage();
// The WebAssembly module keeps the process alive otherwise.
process.stdout.write(`cpu ${(user + system) / 1e6}\n`, () => process.exit(0));
