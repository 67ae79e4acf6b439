import type { Describer } from '../describer.ts';
import type { Detection, ObjectDetector, TextBlock, TextReader } from '../vision.ts';

const MODEL = 'composed';
const NOTE = 'The local description lists what was recognised; it tells nothing of scene, action or mood. For sentences about that set OPENAI_API_KEY.';
/** As long as a line of alt text should be. */
const MAX_TEXT = 120;

/** No model: a list of the things and the text that the local engines found, in English. Enough to be searched for, and a draft of alt text. */
export function createLocalDescriber(detector: ObjectDetector, reader: TextReader): Describer {
	return {
		name: 'local',
		model: MODEL,
		obstacle: () => detector.obstacle(),
		async describe(pictures, { signal }) {
			const seen = await detector.detectObjects(pictures, { signal });
			const read = reader.obstacle() === null ? await reader.read(pictures, { signal }) : null;
			const texts = seen.objects.map((objects, index) => sentence(objects, read?.texts[index] ?? []));
			const seconds = (seen.usage.ai_seconds ?? 0) + (read?.usage.ai_seconds ?? 0);
			return { provider: 'local', model: MODEL, usage: { ai_images: pictures.length, ai_seconds: Math.round(seconds * 1e3) / 1e3 }, notes: [NOTE], texts };
		},
	};
}

/** E.g. `2 people and a dog. Text: "SALE".`; empty where nothing was recognised. */
export function sentence(objects: readonly Detection[], texts: readonly TextBlock[]): string {
	const counts = new Map<string, number>();
	for (const { label } of objects) counts.set(label, (counts.get(label) ?? 0) + 1);
	const things = [...counts].sort(([, a], [, b]) => b - a).map(([label, count]) => (count === 1 ? withArticle(label) : `${count} ${plural(label)}`));
	const text = shortened(texts.map((block) => block.text).join(' ').replaceAll('"', "'"));
	return [things.length ? `${capital(new Intl.ListFormat('en').format(things))}.` : '', text && `Text: "${text}".`].filter(Boolean).join(' ');
}

const IRREGULAR: Record<string, string> = { person: 'people', sheep: 'sheep', mouse: 'mice', knife: 'knives', skis: 'pairs of skis', scissors: 'pairs of scissors', broccoli: 'pieces of broccoli' };
const plural = (label: string): string => IRREGULAR[label] ?? (/(s|sh|ch|x)$/.test(label) ? `${label}es` : `${label}s`);
function withArticle(label: string): string {
	if (label === 'skis' || label === 'scissors') return `a pair of ${label}`;
	if (label === 'broccoli') return label;
	return `${/^[aeiou]/.test(label) ? 'an' : 'a'} ${label}`;
}
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Cut between letters as people see them. */
function shortened(text: string): string {
	const letters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
	return letters.length <= MAX_TEXT ? text : `${letters.slice(0, MAX_TEXT - 1).join('').trimEnd()}…`;
}
