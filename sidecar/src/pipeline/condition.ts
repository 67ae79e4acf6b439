import type { Condition } from '../contract/pipelines.ts';
import type { MediaFacts } from '../media/facts.ts';

/** Pure. Why the condition does not hold for this media, as a phrase for a person; null: it holds. */
export function whyNot(condition: Condition, facts: MediaFacts): string | null {
	const { width = 0, height = 0 } = facts.video ?? {};
	const kinds = condition.file_type === undefined ? [] : [condition.file_type].flat();
	if (kinds.length > 0 && !kinds.includes(facts.fileType)) return `the source is ${facts.fileType}, not ${kinds.join(' or ')}`;
	if (condition.has_audio !== undefined && condition.has_audio !== (facts.audio !== null)) return facts.audio ? 'the source has sound' : 'the source has no sound';
	if (condition.orientation !== undefined && condition.orientation !== orientationOf(width, height)) return `the source is ${orientationOf(width, height) ?? 'no picture'}, not ${condition.orientation}`;
	if (condition.hdr !== undefined && condition.hdr !== (facts.video?.hdr != null)) return condition.hdr ? 'the source has no high dynamic range' : 'the source has a high dynamic range';
	const bounds: Array<[what: string, unit: string, value: number, least: number | undefined, most: number | undefined]> = [
		['length', 's', facts.durationSeconds, condition.min_duration_seconds, condition.max_duration_seconds],
		['width', 'px', width, condition.min_width, condition.max_width],
		['height', 'px', height, condition.min_height, condition.max_height],
		['size', 'bytes', facts.bytes, condition.min_bytes, condition.max_bytes],
	];
	for (const [what, unit, value, least, most] of bounds) {
		if (least !== undefined && value < least) return `its ${what} of ${round(value)} ${unit} is below ${least}`;
		if (most !== undefined && value > most) return `its ${what} of ${round(value)} ${unit} is above ${most}`;
	}
	return null;
}

function orientationOf(width: number, height: number): Condition['orientation'] | null {
	if (width === 0 || height === 0) return null;
	if (width === height) return 'square';
	return width > height ? 'landscape' : 'portrait';
}

const round = (value: number): number => Math.round(value * 100) / 100;
