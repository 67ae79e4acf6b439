import { thumbnail } from '../../../../sidecar/src/operations/video/thumbnail.ts';
import { editFixture } from '../../../fixtures/edit.ts';
import { fixture, type FixtureName } from '../../../fixtures/media.ts';
import { runOperationOn } from '../../../support/engine.ts';

const best = (path: string, params: Record<string, unknown> = {}) => runOperationOn(thumbnail, path, { at: 'best', ...params }, async ({ files, output }) => ({ names: files.map(({ name }) => name), output }));

describe('the best thumbnail, for real', () => {
	it('is neither black nor blurred nor white', async () => {
		const { output, names } = await best(editFixture('oneGood'), { width: 160, format: 'png' });
		expect(names).toEqual(['thumbnail.png']);
		expect(output['at_seconds']).toBeGreaterThanOrEqual(2);
		expect(output['at_seconds']).toBeLessThan(3);
		expect(output['score']).toBeGreaterThan(0.4);
	});

	it.each<[FixtureName]>([['tenBit'], ['rotated'], ['short'], ['gif'], ['longSound'], ['onePixel'], ['jpeg']])('can be had of %s', async (name) => {
		expect((await best(fixture(name))).names).toEqual(['thumbnail.jpg']);
	});
});
