/** Ideas from which a post can be told: variants that differ only in their words say nothing in an A/B test. */
export const ANGLES = {
	benefit: 'what readers get out of it',
	question: 'opens with a question that readers ask themselves',
	story: 'tells a small story with a beginning and an end',
	number: 'opens with a number or a fact from the material; without one, with a surprising detail',
	behind_the_scenes: 'how it was made, or what usually stays unseen',
	how_to: 'the steps, so that readers can do it themselves',
	quote: 'opens with the strongest sentence that is said',
	contrast: 'before and after, or what most people believe and what is so',
} as const;

export type Angle = keyof typeof ANGLES;
export const ANGLE_NAMES = Object.keys(ANGLES) as [Angle, ...Angle[]];

/** The angle of each variant: those that were asked for, in turn, then the others. */
export function anglesOf({ angles, variants }: { angles: readonly Angle[]; variants: number }): Angle[] {
	const order = [...new Set([...angles, ...ANGLE_NAMES])];
	return Array.from({ length: variants }, (_, index) => order[index % order.length] ?? 'benefit');
}
