import { PipelineError } from '../errors.ts';
import { runTool } from './process.ts';

/** Fonts that texts can be drawn in: free ones, each with the package of Debian and Ubuntu that brings it. */
export const FONT_PACKAGES = {
	'DejaVu Sans': 'fonts-dejavu-core',
	'DejaVu Serif': 'fonts-dejavu-core',
	'DejaVu Sans Mono': 'fonts-dejavu-core',
	'Liberation Sans': 'fonts-liberation',
	'Noto Sans': 'fonts-noto-core',
	'Noto Sans CJK SC': 'fonts-noto-cjk',
	'Open Sans': 'fonts-open-sans',
	Roboto: 'fonts-roboto',
} as const;
export type FontName = keyof typeof FONT_PACKAGES;
export const FONT_NAMES = Object.keys(FONT_PACKAGES) as [FontName, ...FontName[]];

const TIMEOUT_MS = 20_000;

/**
 * The file of a font. Throws `invalid_request` when it is not installed, with what to install.
 * @param field of the request, for the message
 */
export async function fontFile(name: FontName, { bold, field }: { bold: boolean; field: string }): Promise<string> {
	// fontconfig answers with the next best font where it has none of this name.
	const result = await runTool('fc-match', ['-f', '%{family}\n%{file}', `${name}:style=${bold ? 'Bold' : 'Regular'}${bold ? ':bold' : ''}`], { timeoutMs: TIMEOUT_MS }).catch(() => null);
	const [families = '', file = ''] = result?.code === 0 ? result.stdout.split('\n') : [];
	if (families.split(',').includes(name) && file) return file;
	const install = `sudo apt-get install -y ${result ? '' : 'fontconfig '}${FONT_PACKAGES[name]}`;
	throw new PipelineError('invalid_request', `The font ${name} is not installed on the machine of the sidecar. Install it (Debian, Ubuntu: ${install}), or choose another one.`, {
		details: { field, given: name, install },
	});
}
