/** When each utterance of a dub is said, and how loud the original is meanwhile. Pure; all times in seconds. */

export interface Slot {
	start: number;
	end: number;
}

export interface Placed {
	start: number;
	/** 1: as it was spoken; more: faster. */
	tempo: number;
	/** How long it may be at most, for the end of the recording; Infinity: as long as it is. */
	most: number;
}

/** Faster speech sounds hurried; people who dub go up to about a third. */
export const MAX_TEMPO = 1.35;
/** Somebody who has fallen this far behind, seconds, hurries more: out of step with the picture is worse. Else it would be minutes after an hour. */
const BEHIND = 1.5;
/** What practised listeners still follow. */
export const CATCHING_UP = 1.8;
/** Between two utterances, so that they do not run into one. */
const BREATH = 0.06;
/** A voice that would end this little after its slot needs not be hurried. */
const TOLERANCE = 0.05;

/**
 * Each begins with its slot, or when the one before has ended. One that is too long is spoken faster, up to MAX_TEMPO, or to
 * CATCHING_UP where it begins late; what is still too long runs on into the pause.
 * @param lengths of the utterances as they were spoken
 */
export function placeVoices(slots: readonly Slot[], lengths: readonly number[], durationSeconds: number): Placed[] {
	let free = 0;
	return slots.map((slot, index) => {
		const start = Math.max(slot.start, free);
		const length = lengths[index] ?? 0;
		// A late one has the less time.
		const room = Math.max(0.1, slot.end - start);
		const most = start - slot.start > BEHIND ? CATCHING_UP : MAX_TEMPO;
		const tempo = length > room + TOLERANCE ? Math.min(most, length / room) : 1;
		const left = Math.max(0, durationSeconds - start);
		free = start + Math.min(left, length / tempo) + BREATH;
		return { start, tempo, most: left };
	});
}

/** Ramps that are neither heard as a jump nor swallow the first syllable. */
const ATTACK = 0.12;
const RELEASE = 0.3;
/** In a shorter pause the original would only flare up. */
const HOLD = 0.8;

/** Where the original is held down: around the voices, short pauses included. */
export function duckedSpans(voices: ReadonlyArray<Slot>): Slot[] {
	const spans: Slot[] = [];
	for (const { start, end } of voices) {
		const last = spans.at(-1);
		if (last && start - last.end <= HOLD) last.end = Math.max(last.end, end);
		else spans.push({ start, end });
	}
	return spans;
}

/** Gain of the original at a time: 1, `floor` within a span, in between on the ramps around it. */
export function gainAt(seconds: number, spans: readonly Slot[], floor: number, from = 0): { gain: number; span: number } {
	let index = from;
	while (index < spans.length && (spans[index]?.end ?? 0) + RELEASE < seconds) index++;
	const span = spans[index];
	if (!span || seconds < span.start - ATTACK) return { gain: 1, span: index };
	const down = seconds < span.start ? (seconds - span.start + ATTACK) / ATTACK : seconds <= span.end ? 1 : 1 - (seconds - span.end) / RELEASE;
	// The next one may be coming down already.
	const next = spans[index + 1];
	const soon = next && seconds > next.start - ATTACK ? Math.min(1, (seconds - next.start + ATTACK) / ATTACK) : 0;
	return { gain: 1 - (1 - floor) * Math.max(0, down, soon), span: index };
}
