import sharp from 'sharp';
import type { Ai } from '../../sidecar/src/ai/ai.ts';
import { absent } from '../../sidecar/src/ai/routing/absent.ts';
import type { Picture } from '../../sidecar/src/ai/provider.ts';
import type { Detection, Moderator } from '../../sidecar/src/ai/vision.ts';

/**
 * Providers that see colours and nothing else: red is unsafe, green is a tree. Strict: pictures must be what the contract of
 * providers says (a readable JPEG, PNG or WebP, upright, of the size that is told, at most 2048 a side).
 */
export interface ColourVision {
	ai: Pick<Ai, 'label' | 'detect' | 'faces' | 'read_text' | 'describe' | 'moderate'>;
	/** Pictures that each capability was shown, by name. */
	shown: Record<string, number>;
	/** Sentence of each capability that cannot work. */
	obstacles: Partial<Record<'label' | 'detect' | 'faces' | 'read_text' | 'describe' | 'moderate', string>>;
	/** Lines that the reader reads, per picture in turn; default none. */
	lines: Array<Array<{ text: string; score: number }>>;
}

const LARGEST = 2048;

async function meanOf({ path, mime, width, height }: Picture): Promise<{ r: number; g: number; b: number }> {
	const metadata = await sharp(path).metadata();
	if (`image/${metadata.format}` !== mime || metadata.width !== width || metadata.height !== height) throw new Error(`this is ${metadata.format} of ${metadata.width} x ${metadata.height}, told was ${mime} of ${width} x ${height}`);
	if (Math.max(width, height) > LARGEST || (metadata.orientation ?? 1) !== 1) throw new Error('the picture is too large, or not upright');
	const [r, g, b] = (await sharp(path).removeAlpha().stats()).channels.map(({ mean }) => mean);
	return { r: r ?? 0, g: g ?? 0, b: b ?? 0 };
}

export function colourVision(): ColourVision {
	const vision: ColourVision = { ai: {} as ColourVision['ai'], shown: {}, obstacles: {}, lines: [] };
	const see = async <T>(what: string, pictures: readonly Picture[], each: (colour: { r: number; g: number; b: number }, picture: Picture, index: number) => T): Promise<T[]> => {
		vision.shown[what] = (vision.shown[what] ?? 0) + pictures.length;
		return Promise.all(pictures.map(async (picture, index) => each(await meanOf(picture), picture, index)));
	};
	const answered = (pictures: readonly Picture[]) => ({ provider: 'local' as const, model: 'colours', usage: { ai_images: pictures.length }, notes: ['Only colours are seen.'] });
	const provider = (name: keyof ColourVision['obstacles']) => ({ name: 'local' as const, model: 'colours', obstacle: () => vision.obstacles[name] ?? null });
	const moderate: Moderator = {
		...provider('moderate'),
		moderate: async (pictures, { signal }) => {
			signal.throwIfAborted();
			const scores = await see('moderate', pictures, ({ r, g, b }) => ({ sexual: Math.max(0, (r - Math.max(g, b)) / 255), suggestive: 0.97 }));
			return { ...answered(pictures), scores };
		},
	};
	const tree = ({ r, g, b }: { r: number; g: number; b: number }, { width, height }: Picture): Detection[] =>
		g > r && g > b ? [{ label: 'Tree', score: 0.9, box: { x: width / 4, y: height / 2, width: width / 2, height: height / 2 } }] : [];
	vision.ai = {
		...absent('Nobody can.'),
		moderate,
		label: {
			...provider('label'),
			label: async (pictures) => ({
				...answered(pictures),
				labels: await see('label', pictures, ({ r, g, b }) => [
					{ label: r > g && r > b ? 'red' : g > b ? 'green' : 'blue', score: 0.8 },
					{ label: 'colour', score: 0.45 },
					{ label: 'blur', score: 0.2 },
				]),
			}),
		},
		detect: { ...provider('detect'), detectObjects: async (pictures) => ({ ...answered(pictures), objects: await see('detect', pictures, tree) }) },
		faces: { ...provider('faces'), detectFaces: async (pictures) => ({ ...answered(pictures), faces: await see('faces', pictures, (_colour, { width }) => [{ box: { x: 0, y: 0, width: width / 10, height: 10 }, score: 0.9 }]) }) },
		read_text: {
			...provider('read_text'),
			read: async (pictures) => ({
				...answered(pictures),
				texts: await see('read_text', pictures, (_colour, _picture, index) => (vision.lines[index] ?? []).map((line) => ({ ...line, box: { x: 0, y: 0, width: 10, height: 10 } }))),
			}),
		},
		describe: { ...provider('describe'), describe: async (pictures) => ({ ...answered(pictures), texts: await see('describe', pictures, () => 'A colour.') }) },
	};
	return vision;
}
