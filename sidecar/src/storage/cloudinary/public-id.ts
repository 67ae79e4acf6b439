import { PipelineError } from '../../errors.ts';
import { assertKey } from '../keys.ts';

export type ResourceType = 'image' | 'video' | 'raw';
export const RESOURCE_TYPES: readonly ResourceType[] = ['image', 'video', 'raw'];

/** Where a key lies at Cloudinary. */
export interface Place {
	type: ResourceType;
	publicId: string;
	/** What Cloudinary calls the format; null for raw files. */
	format: string | null;
}

/** Only what comes back unchanged under its own ending; everything else (audio, captions, playlists …) is kept raw. */
const IMAGES = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif'];
const VIDEOS = ['mp4', 'webm', 'mov'];
/** `x.jpg`, `x.jpeg` and `x.png` would all be `x`: the ending becomes part of the name. */
const MARKED = new RegExp(`^(.+)-(${[...IMAGES, ...VIDEOS].join('|')})$`);

export interface Names {
	/** In front of every key; ends with a slash, or is empty. */
	folder: string;
	/** What keys begin with. */
	only: string;
}

/** Files here can be fetched by whoever knows their address: nothing private may lie here. */
export function placeOf(key: string, { folder, only }: Names): Place {
	if (!assertKey(key).startsWith(only)) {
		throw new PipelineError('invalid_request', 'Cloudinary only takes public files (keys under public/): whatever lies there, anyone can fetch. Name it in PUBLIC_STORAGE, not in STORAGE.');
	}
	const [, name = '', ending = ''] = /^(.+)\.([A-Za-z0-9]+)$/.exec(key) ?? [];
	const type = IMAGES.includes(ending) ? 'image' : VIDEOS.includes(ending) ? 'video' : 'raw';
	if (type === 'raw') return { type, publicId: folder + key, format: null };
	return { type, publicId: `${folder}${name}-${ending}`, format: formatOf(ending) };
}

/** The key of what was found at Cloudinary; null when it is none of ours. */
export function keyOf(type: ResourceType, publicId: string, names: Names): string | null {
	if (!publicId.startsWith(names.folder + names.only)) return null;
	const id = publicId.slice(names.folder.length);
	const [, name, ending = ''] = MARKED.exec(id) ?? [];
	const key = type === 'raw' ? id : name ? `${name}.${ending}` : null;
	try {
		return key !== null && placeOf(key, names).type === type ? key : null;
	} catch {
		return null;
	}
}

/** Path below `https://res.cloudinary.com/{cloud}/`. Names with folders need a version, any will do for the newest. */
export const deliveryPath = ({ type, publicId, format }: Place, version = 1, transformation = ''): string =>
	`${type}/upload/${transformation && `${transformation}/`}v${version}/${publicId}${format === null ? '' : `.${format}`}`;

const formatOf = (ending: string): string => (ending === 'jpeg' ? 'jpg' : ending);
