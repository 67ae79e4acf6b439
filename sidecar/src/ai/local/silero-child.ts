import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Span } from '../voice-activity.ts';
import { findSamples, SAMPLE_RATE } from '../wav.ts';
import { serve } from './infer-child.ts';
import { FRAME_SAMPLES, SpeechFinder } from './speech-finder.ts';

/**
 * A process of its own: asked for the path of a WAV of 16 kHz, mono, 16 bits, it answers where somebody speaks. Arguments: the
 * model, and the package.json of onnxruntime-node. Chunk by chunk, so that memory does not grow with the file.
 */

/** What is used of onnxruntime, which is not installed where this is compiled. */
interface Tensor {
	readonly data: Float32Array;
}
interface Runtime {
	Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dims: number[]) => Tensor;
	InferenceSession: {
		create(path: string, options: object): Promise<{ run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> }>;
	};
}

/** Silero v6 wants the end of the frame before in front of each frame. */
const CONTEXT = 64;
/** 8 s of sound at a time. */
const CHUNK_FRAMES = 256;

const [modelPath = '', runtimePackage = ''] = process.argv.slice(2);

serve<string, Span[]>(async () => {
	const { InferenceSession, Tensor } = createRequire(runtimePackage)('onnxruntime-node') as Runtime;
	// It is a small network: threads would only wait for each other.
	const session = await InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 });
	const rate = new Tensor('int64', BigInt64Array.of(BigInt(SAMPLE_RATE)), []);
	return async (wavPath, report) => {
		let state = new Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
		const finder = new SpeechFinder();
		const chunk = Buffer.alloc(CHUNK_FRAMES * FRAME_SAMPLES * 2);
		const samples = new Int16Array(chunk.buffer, chunk.byteOffset, chunk.length / 2);
		const input = new Float32Array(CONTEXT + FRAME_SAMPLES);
		const file = await open(wavPath, 'r');
		try {
			const { start, bytes } = await findSamples(file);
			for (let at = 0; at < bytes; ) {
				chunk.fill(0);
				const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, bytes - at), start + at);
				if (bytesRead === 0) break;
				at += bytesRead;
				for (let frame = 0; frame * FRAME_SAMPLES * 2 < bytesRead; frame++) {
					input.copyWithin(0, FRAME_SAMPLES);
					for (let i = 0; i < FRAME_SAMPLES; i++) input[CONTEXT + i] = samples[frame * FRAME_SAMPLES + i]! / 32_768;
					const made = await session.run({ input: new Tensor('float32', input, [1, input.length]), state, sr: rate });
					state = made['stateN']!;
					finder.push(made['output']!.data[0]!);
				}
				report((100 * at) / bytes);
			}
			return finder.end(bytes / 2 / SAMPLE_RATE);
		} finally {
			await file.close();
		}
	};
});
