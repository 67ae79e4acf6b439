import { z } from 'zod';
import type { Capability } from '../ai.ts';
import type { ProviderName } from '../provider.ts';
import { CAPABILITIES, CAPABILITY_NAMES, PROVIDER_NAMES } from './schema.ts';

/** One provider of a task, as it is now. */
export interface ReportLine {
	provider: ProviderName;
	model: string;
	languages: readonly string[] | null;
	obstacle: string | null;
	space?: string;
}

export const aiReportSchema = z.object({
	capabilities: z.array(
		z.object({
			capability: z.string().describe('Its name in the routing file.'),
			summary: z.string(),
			serves: z.string().nullable().describe('Who is asked first now; null: nobody can.'),
			providers: z
				.array(
					z.object({
						provider: z.enum(PROVIDER_NAMES),
						model: z.string(),
						languages: z.array(z.string()).nullable().describe('Asked only for these; null: for all.'),
						obstacle: z.string().nullable().describe('Why it cannot, and what to do; null: it can.'),
						space: z.string().optional().describe('Of vectors: only those of the same space can be compared.'),
					}),
				)
				.describe('In the order in which they are asked.'),
		}),
	),
	voice_activity: z.object({ provider: z.string(), obstacle: z.string().nullable() }).describe('Who finds where somebody speaks.'),
});
export type AiReport = z.infer<typeof aiReportSchema>;

/** @param chosen tasks whose provider was chosen at start, with who it is */
export function createReport(lines: Record<Capability, ReportLine[]>, chosen: Partial<Record<Capability, string | null>>, voiceActivity: AiReport['voice_activity']): AiReport {
	const title = ({ provider, model }: ReportLine): string => `${provider} ${model}`;
	return {
		capabilities: CAPABILITY_NAMES.map((capability) => {
			const first = lines[capability].find(({ obstacle }) => obstacle === null);
			const serves = chosen[capability];
			return {
				capability,
				summary: CAPABILITIES[capability],
				serves: serves === undefined ? (first ? title(first) : null) : serves,
				providers: lines[capability].map((line) => ({ ...line, languages: line.languages ? [...line.languages] : null })),
			};
		}),
		voice_activity: voiceActivity,
	};
}
