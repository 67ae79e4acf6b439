import { optionalMediaInput, readMediaInput, readMediaInputs } from '../../../nodes/shared/parameters';

const ID = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
const reading = (value: unknown) => () => value;

describe('a field that names further media', () => {
	it('takes an asset ID or an address', () => {
		expect(readMediaInput(reading(` ${ID} `), 'logo', 'Logo')).toEqual({ asset_id: ID });
		expect(readMediaInput(reading('https://a.test/logo.png?x=1'), 'logo', 'Logo')).toEqual({ file_url: 'https://a.test/logo.png?x=1' });
	});

	it('refuses anything else, naming the field', () => {
		expect(() => readMediaInput(reading('logo.png'), 'logo', 'Logo')).toThrow('"Logo" must be an asset ID or an address');
		expect(() => readMediaInput(reading('file:///etc/passwd'), 'logo', 'Logo')).toThrow('"Logo" must be');
		expect(() => readMediaInput(reading(''), 'logo', 'Logo')).toThrow('"Logo" is empty');
	});

	it('may be empty where it is not needed', () => {
		expect(optionalMediaInput(reading(''), 'music', 'Music')).toBeUndefined();
		expect(optionalMediaInput(reading(ID), 'music', 'Music')).toEqual({ asset_id: ID });
	});
});

describe('a field for several media', () => {
	const ID = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
	const reading = (value: unknown) => () => value;

	it('takes lines, commas or a list', () => {
		const both = [{ asset_id: ID }, { file_url: 'https://a.test/x,1.mp4' }];
		expect(readMediaInputs(reading(`${ID}\n https://a.test/x,1.mp4\n`), 'clips', 'Clips')).toEqual(both);
		expect(readMediaInputs(reading(`${ID}, https://a.test/x,1.mp4`), 'clips', 'Clips')).toEqual(both);
		expect(readMediaInputs(reading([ID, 'https://a.test/x,1.mp4']), 'clips', 'Clips')).toEqual(both);
		expect(readMediaInputs(reading(`${ID},${ID}`), 'clips', 'Clips')).toHaveLength(2);
	});

	it.each([[[]], [''], [' \n ']])('refuses the empty list %j', (value) => {
		expect(() => readMediaInputs(reading(value), 'clips', 'Clips')).toThrow('"Clips" is empty');
	});

	it('refuses a list with something else in it', () => {
		expect(() => readMediaInputs(reading(`${ID}\nclip.mp4`), 'clips', 'Clips')).toThrow('clip.mp4');
	});
});
