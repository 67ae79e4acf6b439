/** `2026-01-31T12:00:00`: how n8n gives what was chosen in a date field, without saying in which time zone. */
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/;
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/**
 * A point in time for the sidecar. One without a zone is that of the workflow's time zone. A date alone stays one, and what is no
 * time at all goes on as it is: the sidecar names the field.
 */
export function toMoment(text: string | undefined, timeZone: () => string): string | undefined {
	if (text === undefined) return undefined;
	if (WITHOUT_ZONE.test(text)) return inZone(text, timeZone());
	const time = WITH_ZONE.test(text) ? Date.parse(text) : Number.NaN;
	return Number.isNaN(time) ? text : new Date(time).toISOString();
}

function inZone(text: string, timeZone: string): string {
	const clock = Date.parse(`${text.replace(' ', 'T')}Z`);
	if (Number.isNaN(clock)) return text;
	// Around a change of the clocks the first guess may have the offset of the other side.
	const guess = clock - offsetAt(clock, timeZone);
	return new Date(clock - offsetAt(guess, timeZone)).toISOString();
}

/** Milliseconds that the clocks of a zone are ahead of UTC at that time. */
function offsetAt(time: number, timeZone: string): number {
	const format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
	const parts = format.formatToParts(time);
	const at = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)?.value);
	const shown = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
	return shown - Math.floor(time / 1000) * 1000;
}
