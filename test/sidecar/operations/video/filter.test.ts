import { filter } from '../../../../sidecar/src/operations/video/filter.ts';
import { audioFacts, videoFacts } from '../../../support/facts.ts';

const planOf = (filters: unknown[], facts = videoFacts()) => filter.plan(facts, filter.params.parse({ filters }));
const outputOf = (filters: unknown[]) => planOf(filters).outputs[0];

describe('filter', () => {
	it('applies filters in their order and copies sound that stays', () => {
		expect(outputOf([{ name: 'grayscale' }, { name: 'contrast', amount: 1.5 }])).toMatchObject({
			videoFilters: ['scale=1920:1080', 'setsar=1', 'format=yuv420p', 'hue=s=0', 'eq=contrast=1.5'],
			audioFilters: [],
		});
		expect(outputOf([{ name: 'grayscale' }])?.options.join(' ')).toContain('-c:a copy');
		expect(outputOf([{ name: 'speed' }])?.options.join(' ')).toContain('-c:a aac');
	});

	it.each([
		[2, ['atempo=2']],
		[4, ['atempo=2', 'atempo=2']],
		[3, ['atempo=2', 'atempo=1.5']],
		[0.25, ['atempo=0.5', 'atempo=0.5']],
		[0.8, ['atempo=0.8']],
	])('chains the tempo %s', (factor, tempo) => {
		expect(outputOf([{ name: 'speed', factor }])?.audioFilters).toEqual(['aresample=async=1:first_pts=0', ...tempo]);
	});

	it('puts a fade out at the end that a change of speed has made', () => {
		const plan = planOf([{ name: 'speed', factor: 2 }, { name: 'fade', direction: 'out', seconds: 5 }]);
		expect(plan.outputs[0]?.videoFilters?.at(-1)).toBe('fade=t=out:st=25:d=5:color=black');
		expect(plan.outputs[0]?.expectedSeconds).toBe(30);
	});

	it.each([[[]], [[{ name: 'vignette' }]], [[{ name: 'blur', amount: 1 }]], [[{ name: 'speed', factor: 5 }]], [[{ name: 'rotate', degrees: 45 }]], [[{ name: 'lut', cube: 'file:///etc/passwd' }]]])('does not take %j', (filters) => {
		expect(filter.params.safeParse({ filters }).success).toBe(false);
	});

	it('refuses sound', () => {
		expect(() => planOf([{ name: 'grayscale' }], audioFacts())).toThrow(expect.objectContaining({ code: 'input_no_video' }));
	});
});
