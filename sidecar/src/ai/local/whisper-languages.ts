import { languageCode } from '../languages.ts';

/** Languages of Whisper by its own codes (whisper.cpp, g_lang). */
const KNOWN = new Set(
	(
		'en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk ' +
		'br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue'
	).split(' '),
);

/** Null: Whisper does not know the language. @param code ISO 639-1 */
export function toWhisper(code: string): string | null {
	const current = languageCode(code);
	// Its only code that is not ISO's.
	const own = current === 'jv' ? 'jw' : current;
	return KNOWN.has(own) ? own : null;
}
