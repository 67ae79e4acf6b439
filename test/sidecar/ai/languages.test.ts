import { languageOptions } from '../../../nodes/shared/languages.ts';
import { isLanguageCode, isRightToLeft, isUnspaced, isWide, knownLanguage, languageCode, languageName, languageSchema } from '../../../sidecar/src/ai/languages.ts';

/** Its names for what it hears (openai/whisper, tokenizer.py). */
const WHISPER = (
	'english chinese german spanish russian korean french japanese portuguese turkish polish catalan dutch arabic swedish italian indonesian hindi finnish vietnamese hebrew ukrainian greek malay czech romanian danish ' +
	'hungarian tamil norwegian thai urdu croatian bulgarian lithuanian latin maori malayalam welsh slovak telugu persian latvian bengali serbian azerbaijani slovenian kannada estonian macedonian breton basque icelandic ' +
	'armenian nepali mongolian bosnian kazakh albanian swahili galician marathi punjabi sinhala khmer shona yoruba somali afrikaans occitan georgian belarusian tajik sindhi gujarati amharic yiddish lao uzbek faroese ' +
	'haitian_creole pashto turkmen nynorsk maltese sanskrit luxembourgish myanmar tibetan tagalog malagasy assamese tatar hawaiian lingala hausa bashkir javanese sundanese cantonese'
)
	.split(' ')
	.map((name) => name.replace('_', ' '));

describe('languages', () => {
	it.each([
		['english', 'en'],
		['German', 'de'],
		['chinese', 'zh'],
		['norwegian', 'no'],
		['en', 'en'],
		['pt-BR', 'pt'],
		['zh-Hans', 'zh'],
		['zh_TW', 'zh'],
		['eng', 'en'],
		['fre', 'fr'],
		['deu-AT', 'de'],
		['iw', 'he'],
		['in', 'id'],
		['jw', 'jv'],
		['nb-NO', 'no'],
		['fil', 'tl'],
		['yue', 'zh'],
		['und', 'und'],
		['klingon of the north', 'klingon of the north'],
		['', ''],
	])('%j is %j', (name, code) => {
		expect(languageCode(name)).toBe(code);
	});

	it('have names for prompts', () => {
		expect(languageName('de')).toBe('German');
		expect(['', 'klingon of the north', 'xx'].map(languageName)).toEqual(['', 'klingon of the north', 'xx']);
	});

	it('are known by their codes', () => {
		expect(['en', 'he', 'ja', 'zu', 'jv', 'no', 'tl'].filter((code) => !isLanguageCode(code))).toEqual([]);
		expect(['xx', 'EN', 'eng', '', 'en-US', 'qq'].filter(isLanguageCode)).toEqual([]);
		expect(languageSchema.safeParse('xx').error?.issues[0]?.message).toMatch(/no ISO 639-1 code/);
	});

	it('have one code each, whatever they were once called', () => {
		expect(['iw', 'in', 'ji', 'nb', 'he'].map((code) => languageSchema.parse(code))).toEqual(['he', 'id', 'yi', 'no', 'he']);
		expect(isRightToLeft(languageSchema.parse('iw'))).toBe(true);
	});

	it('are told from what others call them, or not at all', () => {
		expect(['English', 'de-CH', 'por', undefined, '', 'xx', 'a language (of its own)'].map(knownLanguage)).toEqual(['en', 'de', 'pt', undefined, undefined, undefined, undefined]);
	});

	it('that Whisper names are those of the dropdown', () => {
		const offered = new Set(languageOptions.map(({ value }) => value));
		const codes = WHISPER.map(languageCode);
		expect(WHISPER.filter((_, index) => !offered.has(codes[index] ?? ''))).toEqual(['hawaiian']);
		expect([languageCode('tagalog'), languageCode('myanmar'), languageCode('maori'), languageCode('nynorsk'), languageCode('cantonese')]).toEqual(['tl', 'my', 'mi', 'nn', 'zh']);
	});

	it('tell how they are written', () => {
		expect(['ar', 'he', 'fa', 'ur', 'de', 'ja'].map(isRightToLeft)).toEqual([true, true, true, true, false, false]);
		expect(['ja', 'ko', 'th', 'zh', 'en'].map((code) => [isWide(code), isUnspaced(code)])).toEqual([[true, true], [true, false], [false, true], [true, true], [false, false]]);
	});
});
