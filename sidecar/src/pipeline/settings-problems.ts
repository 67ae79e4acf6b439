import type { WorkspaceSettings } from '../contract/workspace.ts';
import { INPUT_FORMATS } from '../media/formats.ts';
import { allowsMime } from './checks.ts';

/** Pure: what is wrong with complete settings, one sentence each, naming the field. `scanner`: what the operator has set up. */
export function settingsProblems({ checks }: WorkspaceSettings, scanner: { configured: boolean; optional: boolean }): Array<{ field: string; problem: string }> {
	const problems: Array<{ field: string; problem: string }> = [];
	for (const [least, most] of [['min_duration_seconds', 'max_duration_seconds'], ['min_width', 'max_width'], ['min_height', 'max_height']] as const) {
		const [from, to] = [checks[least], checks[most]];
		if (from !== null && to !== null && from > to) problems.push({ field: `checks.${least}`, problem: `must not be more than ${most} (${from} > ${to}): nothing could pass` });
	}
	for (const pattern of checks.containers ?? []) {
		if (!Object.keys(INPUT_FORMATS).some((mime) => allowsMime([pattern], mime) || allowsMime([pattern], mime.replace('video/', 'audio/')))) {
			problems.push({ field: 'checks.containers', problem: `${JSON.stringify(pattern)} names no kind of file that the sidecar reads; expected MIME types such as video/mp4 or image/*` });
		}
	}
	for (const list of ['video_codecs', 'audio_codecs'] as const) {
		for (const name of checks[list] ?? []) if (!/^[a-z0-9_.-]+$/i.test(name)) problems.push({ field: `checks.${list}`, problem: `${JSON.stringify(name)} is no name of a codec; expected names such as h264, vp9 or aac` });
	}
	if (checks.scan === true && !scanner.configured) problems.push({ field: 'checks.scan', problem: 'the sidecar has no virus scanner: its operator must set CLAMD first' });
	if (checks.scan === false && scanner.configured && !scanner.optional) problems.push({ field: 'checks.scan', problem: 'the operator of the sidecar has every file scanned; only with CLAMD_OPTIONAL=true may a workspace switch it off' });
	return problems;
}
