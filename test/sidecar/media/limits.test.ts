import { PipelineError } from '../../../sidecar/src/errors.ts';
import { refuseTooMuchWork } from '../../../sidecar/src/media/limits.ts';
import { compress } from '../../../sidecar/src/operations/video/compress.ts';
import { picture, videoFacts } from '../../support/facts.ts';

const refusal = (seconds: number, width: number, height: number, frameRate: number): string | null => {
	const facts = videoFacts({ durationSeconds: seconds, video: picture({ width, height, frameRate }) });
	try {
		refuseTooMuchWork(compress.plan(facts, compress.params.parse({})), facts);
		return null;
	} catch (error) {
		if (error instanceof PipelineError && error.code === 'input_too_large') return error.message;
		throw error;
	}
};

describe('refuseTooMuchWork', () => {
	it('lets long and large videos of real life through', () => {
		expect(refusal(12 * 3600, 1920, 1080, 30)).toBeNull();
		expect(refusal(4 * 3600, 3840, 2160, 60)).toBeNull();
	});

	it('refuses ten thousand hours, and hours of 67 megapixels, and says what the file claims', () => {
		expect(refusal(10_000 * 3600, 1280, 720, 25)).toMatch(/about [\d.]+ h of computing; at most 24 h.*10000 h, 1280 x 720 pixels, 25 pictures/);
		expect(refusal(10 * 3600, 8192, 8192, 60)).toMatch(/8192 x 8192/);
	});
});
