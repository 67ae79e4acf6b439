import type { TakesAudio } from './transcriber.ts';
import type { Span } from './voice-activity.ts';

/** A part of the sound that is sent by itself. Seconds. */
export type Piece = Span;

/** Silence around speech that goes along: consonants at its edges are quiet. */
const PADDING_SECONDS = 0.25;
/** Pauses of a speaker are shorter. Recognisers invent text in longer ones, and hosted ones charge for them. */
export const SKIP_SECONDS = 5;
/** 16 kHz, mono, 16 bits. */
export const WAV_BYTES_PER_SECOND = 32_000;
/** Speech is understood as well as from the original: Whisper itself works at 16 kHz mono. */
export const MP3_KBPS = 32;
/** Headers of either format. */
const HEADER_BYTES = 4096;
/** mp3 is made of whole frames, with a delay of the encoder before them: 0.1 s together. */
const MP3_EXTRA_SECONDS = 0.2;
/** Times are cut to whole samples. */
const ROUNDING_SECONDS = 0.001;
/** Shorter pieces would cut words more often than not. */
const LEAST_SECONDS = 1;

/** The longest piece that fits, seconds. Throws RangeError where not even a second does: the limits are nonsense then. */
export function longestPiece({ format, maxBytes, maxSeconds }: Pick<TakesAudio, 'format' | 'maxBytes' | 'maxSeconds'>): number {
	const perSecond = format === 'wav' ? WAV_BYTES_PER_SECOND : (MP3_KBPS * 1000) / 8;
	const extra = ROUNDING_SECONDS + (format === 'wav' ? 0 : MP3_EXTRA_SECONDS);
	const longest = Math.min(maxSeconds, (maxBytes - HEADER_BYTES) / perSecond) - extra;
	if (longest >= LEAST_SECONDS) return longest;
	throw new RangeError(`A provider that takes ${maxSeconds} s and ${maxBytes} bytes of ${format} at most cannot transcribe: at least a second must fit.`);
}

/** What is said without a break, and how far the next such part is. A span that is too long by itself is several of them. */
interface Part extends Span {
	/** Silence between this part and the one before it, seconds; 0 where speech was cut. */
	gap: number;
}

/**
 * Cuts sound into pieces that a transcriber takes: in order, without overlap, none longer than it takes, all speech in
 * them. Long silences are left out. Cuts lie in silence, the longest at hand; only speech that goes on for longer than a
 * piece may last is cut as seldom as can be, evenly.
 *
 * @param spans where somebody speaks, in order, without overlap, seconds
 * @param skipSeconds longer silences are left out
 */
export function planPieces(
	spans: readonly Span[],
	durationSeconds: number,
	takes: Pick<TakesAudio, 'format' | 'maxBytes' | 'maxSeconds'>,
	skipSeconds = SKIP_SECONDS,
): Piece[] {
	const longest = longestPiece(takes);
	const said = spans
		.map(({ start, end }) => ({ start: Math.max(0, start), end: Math.min(durationSeconds, end) }))
		.filter(({ start, end }) => end > start);
	const parts = said.flatMap((span, index) =>
		partsOf(span, said[index - 1]?.end ?? null, said[index + 1]?.start ?? null, durationSeconds, longest),
	);
	const pieces: Piece[] = [];
	for (let from = 0; from < parts.length; ) {
		const until = cutAfter(parts, from, longest, skipSeconds);
		pieces.push({ start: parts[from]!.start, end: parts[until]!.end });
		from = until + 1;
	}
	return pieces;
}

/** One span with silence around it, in as many parts as it must have. */
function partsOf({ start, end }: Span, before: number | null, after: number | null, durationSeconds: number, longest: number): Part[] {
	const count = Math.max(1, Math.ceil((end - start) / longest));
	const each = (end - start) / count;
	// What is left of a piece is shared between both ends where they are in the same one.
	const room = (longest - each) / (count === 1 ? 2 : 1);
	const reach = (silence: number): number => Math.min(PADDING_SECONDS, room, silence);
	const left = start - reach(before === null ? start : (start - before) / 2);
	const right = end + reach(after === null ? durationSeconds - end : (after - end) / 2);
	return Array.from({ length: count }, (_, index) => ({
		start: index === 0 ? left : start + index * each,
		end: index === count - 1 ? right : start + (index + 1) * each,
		gap: index > 0 ? 0 : before === null ? Infinity : start - before,
	}));
}

/** The last part of the piece that begins with `from`: the one before a long silence, or else before the longest pause in the second half. */
function cutAfter(parts: readonly Part[], from: number, longest: number, skipSeconds: number): number {
	const { start } = parts[from]!;
	let fits = from;
	while (fits + 1 < parts.length) {
		const next = parts[fits + 1]!;
		if (next.gap > skipSeconds) return fits;
		if (next.end - start > longest) break;
		fits += 1;
	}
	if (fits + 1 === parts.length) return fits;
	let best = fits;
	for (let at = fits - 1; at >= from && parts[at]!.end - start >= longest / 2; at -= 1) {
		if (parts[at + 1]!.gap > parts[best + 1]!.gap) best = at;
	}
	return best;
}
