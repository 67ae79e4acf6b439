import { cpuSecondsOf, explainFailure, ProgressReader } from '../../../sidecar/src/media/ffmpeg-output.ts';

describe('ProgressReader', () => {
	it('reads the time although the report comes in pieces', () => {
		const reader = new ProgressReader();
		expect(reader.read('frame=10\nout_time_us=15')).toEqual({ seconds: null, moved: true });
		expect(reader.read('00000\nprogress=continue\n')).toEqual({ seconds: 1.5, moved: true });
	});

	it('sees that nothing moves when the same report comes again', () => {
		const reader = new ProgressReader();
		const block = 'frame=10\nfps=3.1\nout_time_us=1500000\nspeed=1.2x\nprogress=continue\n';
		expect(reader.read(block).moved).toBe(true);
		expect(reader.read(block.replace('3.1', '2.9')).moved).toBe(false);
		expect(reader.read(block.replace('frame=10', 'frame=11')).moved).toBe(true);
	});

	it('takes no time from reports that have none yet', () => {
		expect(new ProgressReader().read('out_time_us=N/A\nout_time_us=-9223372036854775808\n').seconds).toBeNull();
	});
});

describe('cpuSecondsOf', () => {
	it('adds user and system time', () => {
		expect(cpuSecondsOf('frame= 1\nbench: utime=3.5s stime=0.25s rtime=2.0s\nbench: maxrss=1kB\n')).toBe(3.75);
		expect(cpuSecondsOf('nothing')).toBe(0);
	});
});

describe('explainFailure', () => {
	it.each([
		[
			'Error while decoding stream #0:0: Invalid data found when processing input',
			'ffmpeg exited with code 1',
			'input_corrupt',
		],
		['av_interleaved_write_frame(): No space left on device', 'ffmpeg exited with code 1', 'storage_full'],
		["Unknown encoder 'libx265'", 'ffmpeg exited with code 1', 'processing_failed'],
		["No such filter: 'ass'", 'ffmpeg exited with code 1', 'processing_failed'],
		['Output file is empty, nothing was encoded', 'ffmpeg exited with code 1', 'input_corrupt'],
		['', 'ffmpeg was killed with signal SIGKILL', 'processing_failed'],
		['Some words', 'ffmpeg exited with code 1', 'processing_failed'],
	])('makes of %j (%s) %s', (stderr, exit, code) => {
		const error = explainFailure(stderr, exit);
		expect(error.code).toBe(code);
		if (stderr) expect(error.message).not.toContain(stderr);
		expect(String(error.cause)).toContain(stderr);
	});

	it('names a filter that this ffmpeg lacks', () => {
		expect(explainFailure("[AVFilterGraph @ 0x1] No such filter: 'ass'", 'ffmpeg exited with code 1').message).toMatch(/without the filter ass.*libass.*Install/);
	});

	it('tells a crash from a lack of memory', () => {
		expect(explainFailure('', 'ffmpeg was killed with signal SIGSEGV').message).toMatch(/crashed/);
		expect(explainFailure('', 'ffmpeg was killed with signal SIGKILL').message).toMatch(/memory/);
	});
});
