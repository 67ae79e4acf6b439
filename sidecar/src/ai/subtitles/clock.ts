/** Times of subtitle files. All of them whole milliseconds. */

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');

/** `01:02:03,004` */
export function toClock(ms: number, point: ',' | '.'): string {
	return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${point}${String(ms % 1000).padStart(3, '0')}`;
}

/** `1:02:03.00`: ASS counts in hundredths. */
export function toAssClock(ms: number): string {
	const hundredths = Math.round(ms / 10);
	return `${Math.floor(hundredths / 360_000)}:${two((hundredths / 6000) % 60)}:${two((hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

/** Hours are optional, fractions as short as they like, either sign. No part of it can be read in two ways, so it is fast on any text. */
const CLOCK = /^(-?)(?:(\d{1,5}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9}))?(?!\d)/;

/** Reads the time a text begins with. Negative ones become 0. Null: there is none. */
export function readClock(text: string): number | null {
	const found = CLOCK.exec(text.trimStart().slice(0, 32));
	if (!found) return null;
	const [, sign, hours = '0', minutes = '0', seconds = '0', fraction = ''] = found;
	const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
	return sign === '-' ? 0 : ms;
}
