import { readCube } from '../../../sidecar/src/media/cube.ts';

const ROWS = Array.from({ length: 8 }, (_, index) => `${index & 1} ${(index >> 1) & 1} ${index >> 2}`).join('\n');

describe('a .cube file', () => {
	it('is written anew, with nothing in it but numbers', () => {
		const written = readCube(`TITLE "x' \\"\r\n# a comment\r\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n\n${ROWS}`);
		expect(written).toEqual({ text: expect.stringMatching(/^LUT_3D_SIZE 2\nDOMAIN_MIN 0\.000000 0\.000000 0\.000000\nDOMAIN_MAX[ 01.]+\n0\.000000 0\.000000 0\.000000\n1\.000000 /) });
		expect((written as { text: string }).text).not.toMatch(/TITLE|comment/);
	});

	it('may have the range of DaVinci Resolve', () => {
		expect(readCube(`LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0.0 1.0\n${ROWS}`)).toEqual({ text: expect.stringContaining('DOMAIN_MAX 1 1 1') });
	});

	it.each([
		['', /no LUT_3D_SIZE/],
		['#EXTM3U\nfile:///etc/passwd', /Line 2 is neither/],
		['LUT_1D_SIZE 2\n0 0 0\n1 1 1', /one-dimensional/],
		['LUT_3D_SIZE 100000', /must be 2 to 65/],
		[`LUT_3D_SIZE 3\n${ROWS}`, /8 colours; LUT_3D_SIZE 3 needs 27/],
		[`LUT_3D_SIZE 2\n${ROWS.replace('1', 'NaN')}`, /Line 3/],
		[`LUT_3D_SIZE 2\n${ROWS.replace('1', '1e30')}`, /Line 3/],
		['LUT_3D_SIZE 2\nDOMAIN_MIN a b c', /needs numbers/],
	])('that is none is refused: %j', (text, problem) => {
		expect(readCube(text)).toEqual({ problem: expect.stringMatching(problem) });
	});
});
