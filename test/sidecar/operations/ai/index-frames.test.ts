import { absent } from '../../../../sidecar/src/ai/routing/absent.ts';
import { describeFrames, withoutLabel } from '../../../../sidecar/src/operations/ai/index-frames.ts';

describe('what is seen on pictures, in words', () => {
	const picture = { path: '/none.jpg', mime: 'image/jpeg' as const, atSeconds: 1, width: 10, height: 10 };
	const found = (...labels: Array<[string, number]>) => {
		const nobody = absent('Not in this test.');
		const label = { ...nobody.label, obstacle: () => null, label: async () => ({ labels: [labels.map(([name, score]) => ({ label: name, score }))], usage: {}, provider: 'local' as const, model: 'm' }) };
		return { describe: nobody.describe, read_text: nobody.read_text, label };
	};
	const texts = async (labels: Array<[string, number]>, opinions: { boosts?: Array<[string, number]>; takenAway?: string[] } = {}) =>
		(await describeFrames(found(...labels), [picture], { boosts: new Map(opinions.boosts), takenAway: new Set(opinions.takenAway) }, new AbortController().signal, () => {})).texts;

	it('names what is certain enough, as people of the workspace see it', async () => {
		const labels: Array<[string, number]> = [['cat', 0.8], ['parking meter', 0.5], ['dog', 0.35]];
		expect(await texts(labels)).toEqual(['cat, parking meter.']);
		expect(await texts(labels, { boosts: [['dog', 2], ['parking meter', -1]] })).toEqual(['cat, dog.']);
		expect(await texts(labels, { takenAway: ['parking meter'] })).toEqual(['cat.']);
	});

	it.each([
		['cat, parking meter. EXIT.', 'parking meter', 'cat. EXIT.'],
		['A street. parking meter, cat. EXIT.', 'parking meter', 'A street. cat. EXIT.'],
		['parking meter.', 'parking meter', ''],
		['parking meter. EXIT.', 'parking meter', 'EXIT.'],
		['cat, Parking Meter, dog.', 'parking meter', 'cat, dog.'],
		['A parking meter stands there. cat.', 'parking meter', 'A parking meter stands there. cat.'],
		['cat, catalogue.', 'cat', 'catalogue.'],
		['a (b), c.', 'a (b)', 'c.'],
	])('"%s" without "%s" is "%s"', (text, label, left) => {
		expect(withoutLabel(text, label)).toBe(left);
	});
});
