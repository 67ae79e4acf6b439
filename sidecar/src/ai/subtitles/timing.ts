import type { SubtitleRules } from './rules.ts';

/** What is said, from `start` to `end`, and how long it takes to read. Milliseconds. */
export interface Said {
	start: number;
	end: number;
	readingMs: number;
}

/** Where speech leaves no room at all: shorter is not seen. */
const FLASH_MS = 200;
/** Subtitles may come this much after the words, to let the one before them be read; later, and lips and text part (EBU R 36: half a second). */
const LATE_MS = 500;

/**
 * When each subtitle is shown: from its first word, for as long as it takes to read, at least `minMs`, as far as the next one lets it
 * and never longer than `maxMs`; in order, with `gapMs` between. A short one may put off the next a little, where that has time to spare.
 */
export function place(said: readonly Said[], { minMs, maxMs, gapMs }: SubtitleRules): Array<{ start: number; end: number }> {
	const shortest = Math.min(FLASH_MS, minMs);
	const placed: Array<{ start: number; end: number }> = [];
	let free = 0;
	for (const [index, { start: spoken, end, readingMs }] of said.entries()) {
		const start = Math.max(spoken, free);
		const wanted = Math.min(maxMs, Math.max(end - start, minMs, readingMs));
		const next = said[index + 1];
		const room = next ? next.start - gapMs - start : Infinity;
		// The next one keeps what it needs itself; nobody waits for a subtitle whose words are long over.
		const late = next && room < minMs ? Math.min(LATE_MS, Math.max(0, next.end - next.start - minMs), minMs - room) : 0;
		const shown = Math.max(shortest, Math.min(wanted, room + late));
		placed.push({ start, end: start + shown });
		free = start + shown + gapMs;
	}
	return placed;
}
