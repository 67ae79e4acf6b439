import { availableEncoders, checkFfmpeg } from '../../../sidecar/src/media/engine.ts';

describe('checkFfmpeg', () => {
	const path = process.env['PATH'];
	afterEach(() => {
		process.env['PATH'] = path;
	});

	it('finds nothing wrong with a full ffmpeg', async () => {
		expect(await checkFfmpeg()).toEqual([]);
		expect(await availableEncoders()).toContain('libx264');
	});

	it('names what is missing and the command that installs it', async () => {
		process.env['PATH'] = '/nowhere';
		const problems = await checkFfmpeg();
		expect(problems).toHaveLength(2);
		expect(problems[0]).toMatch(/ffmpeg is not installed.*Install it: /);
		expect(problems[1]).toMatch(/ffprobe/);
		expect(await availableEncoders()).toBeNull();
	});
});
