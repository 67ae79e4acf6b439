import { isUnspaced } from './languages.ts';
import type { Piece } from './long-audio-plan.ts';
import { addUsage } from './provider.ts';
import type { Segment, Transcript, Word } from './transcriber.ts';

/** What became of a piece. Its times begin with the piece. */
export interface Heard {
	piece: Piece;
	transcript: Transcript;
}

const SPEAKERS_NOTE =
	'The sound was transcribed in several parts, and speakers cannot be matched across them: the same person may have several letters.';

/** Puts the transcripts of all pieces together, in their order, with times of the whole. `heard` is not empty. */
export function joinTranscripts(heard: readonly Heard[], durationSeconds: number): Transcript {
	const [first] = heard;
	if (!first) throw new RangeError('there is nothing to join');
	const language = mostSpoken(heard);
	const names = speakerNames(heard);
	const withSpeakers = names.filter(({ size }) => size > 0).length;
	const spoken = heard.filter(({ transcript }) => transcript.text.trim() !== '');
	const notes = new Set(heard.flatMap(({ transcript }) => transcript.notes ?? []));
	if (withSpeakers > 1) notes.add(SPEAKERS_NOTE);
	return {
		provider: first.transcript.provider,
		model: [...new Set(heard.map(({ transcript }) => transcript.model))].join(', '),
		usage: addUsage(...heard.map(({ transcript }) => transcript.usage)),
		...(notes.size > 0 ? { notes: [...notes] } : {}),
		text: spoken.map(({ transcript }) => transcript.text.trim()).join(isUnspaced(language) ? '' : ' '),
		language,
		durationSeconds,
		segments: heard.flatMap((one, index) => segmentsOf(one, names[index]!)),
		words: spoken.some(({ transcript }) => transcript.words) ? heard.flatMap((one, index) => wordsOf(one, names[index]!)) : null,
	};
}

/** That of most seconds of sound. */
function mostSpoken(heard: readonly Heard[]): string {
	const seconds = new Map<string, number>();
	for (const { piece, transcript } of heard) {
		if (transcript.language === '' || transcript.text.trim() === '') continue;
		seconds.set(transcript.language, (seconds.get(transcript.language) ?? 0) + piece.end - piece.start);
	}
	const named = heard.find(({ transcript }) => transcript.language !== '')?.transcript.language ?? '';
	return [...seconds].reduce((best, one) => (one[1] > best[1] ? one : best), [named, 0] as [string, number])[0];
}

/** New letters for each piece, in the order in which they speak. */
function speakerNames(heard: readonly Heard[]): Array<Map<string, string>> {
	let taken = 0;
	return heard.map(({ transcript }) => {
		const names = new Map<string, string>();
		for (const { speaker } of [...transcript.segments, ...(transcript.words ?? [])]) {
			if (speaker !== undefined && !names.has(speaker)) names.set(speaker, speakerLetter(taken++));
		}
		return names;
	});
}

/** 0 is A, 25 is Z, 26 is AA. */
export function speakerLetter(index: number): string {
	const letter = String.fromCharCode(65 + (index % 26));
	return index < 26 ? letter : speakerLetter(Math.floor(index / 26) - 1) + letter;
}

/** Where there are only words of the whole piece, they are one segment. */
function segmentsOf({ piece, transcript }: Heard, names: ReadonlyMap<string, string>): Segment[] {
	const text = transcript.text.trim();
	if (transcript.segments.length === 0) return text === '' ? [] : [{ start: round(piece.start), end: round(piece.end), text }];
	return transcript.segments.map((segment) => within(piece, segment, names));
}

const wordsOf = ({ piece, transcript }: Heard, names: ReadonlyMap<string, string>): Word[] =>
	(transcript.words ?? []).map((word) => within(piece, word, names));

/** In the time of the whole. Providers sometimes name times behind the end of what they were given. */
function within<T extends Segment | Word>(piece: Piece, timed: T, names: ReadonlyMap<string, string>): T {
	const place = (seconds: number): number => round(Math.min(piece.end, piece.start + Math.max(0, seconds)));
	const start = place(timed.start);
	const speaker = timed.speaker === undefined ? undefined : names.get(timed.speaker);
	return { ...timed, start, end: Math.max(start, place(timed.end)), ...(speaker === undefined ? {} : { speaker }) };
}

/** Milliseconds: sums of fractions otherwise have fifteen digits. */
const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;
