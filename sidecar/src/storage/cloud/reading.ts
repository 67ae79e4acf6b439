import { Readable } from 'node:stream';
import type { Api, ApiStream } from './api.ts';
import { unreached } from './api.ts';
import { PipelineError } from '../../errors.ts';

export interface Reading {
	api: Api;
	/** Name of the store, for people. */
	where: string;
	key: string;
	range?: { start: number; end: number } | undefined;
	/** Asks for a file, with 416 as an answer; `validator`: what the first answer said of its version. */
	open(headers: Record<string, string>, validator: string | null): Promise<ApiStream>;
	/** What names the version in an answer. */
	validatorOf(headers: Record<string, string>): string | null;
	/** Told every byte of a whole file, and its end: throws when they are not what was stored. */
	check?: { update(chunk: Buffer): void; end(headers: Record<string, string>): void } | undefined;
}

/** Breaks without a single byte in between, one after the other. */
const BREAKS = 5;

/**
 * The bytes of a file over HTTP. A connection that breaks in the middle is taken up again where it broke, of the same version of
 * the file. The first answer is waited for: a missing file is an error here, not on the stream.
 */
export async function readWithResume(reading: Reading): Promise<Readable> {
	const { range } = reading;
	const state: State = { answer: await reading.open(range ? { range: `bytes=${range.start}-${range.end}` } : {}, null), stopped: false };
	if (range && state.answer.status !== 206) {
		state.answer.stream.destroy();
		// 416: the file ends before the range begins. A file without a byte may also be sent whole.
		if (state.answer.status === 416 || state.answer.headers['content-length'] === '0') return Readable.from([]);
		throw new PipelineError('storage_failed', `${reading.where} does not send parts of ${reading.key}.`);
	}
	const bytes = resumed(reading, state);
	return new Readable({
		read() {
			bytes.next().then(
				({ value, done }) => this.push(done ? null : value),
				(error: Error) => this.destroy(error),
			);
		},
		destroy(error, done) {
			state.stopped = true;
			state.answer.stream.destroy();
			done(error);
		},
	});
}

interface State {
	answer: ApiStream;
	/** Nobody reads any more. */
	stopped: boolean;
}

async function* resumed({ api, where, key, range, open, validatorOf, check }: Reading, state: State): AsyncGenerator<Buffer, undefined> {
	const { headers } = state.answer;
	// Named in the first answer: whoever gets fewer bytes knows it.
	const length = Number(headers['content-length'] ?? NaN);
	const validator = validatorOf(headers);
	let done = 0;
	for (let breaks = 1; ; breaks++) {
		const before = done;
		try {
			for await (const bytes of api.pieces(state.answer.stream)) {
				if (bytes.length === 0) continue;
				check?.update(bytes);
				done += bytes.length;
				yield bytes;
			}
			if (Number.isNaN(length) || done >= length) break;
			throw new Error('the answer ended early');
		} catch (error) {
			if (state.stopped) return;
			if (done > before) breaks = 1;
			await api.again(unreached(where, `read ${key}`, error), breaks, validator ? BREAKS : 1);
			state.answer = await open({ range: `bytes=${(range?.start ?? 0) + done}-${range ? range.end : ''}` }, validator);
			// Nobody was there to end this one.
			if (state.stopped) {
				state.answer.stream.destroy();
				return;
			}
			if (state.answer.status === 206) continue;
			state.answer.stream.destroy();
			throw new PipelineError('storage_failed', `${where} sent ${key} from its beginning again, after the connection broke in the middle of it.`);
		}
	}
	check?.end(headers);
	return;
}
