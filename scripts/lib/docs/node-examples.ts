/** How one operation stands in a workflow: fields as n8n saves them. Fields that are left out have their defaults. */
export interface NodeExample {
	/** Name of the node, as a person sees it. */
	node: 'Media Transcode' | 'Media Caption' | 'Social Distribute';
	/** Where the overview lists it: the node, with its resource where it has some. */
	group: string;
	/** Entry of the list *Operation*, as a person sees it. */
	label: string;
	type: 'mediaTranscode' | 'mediaCaption' | 'socialDistribute';
	parameters: Record<string, unknown>;
}

const RESOURCES: Readonly<Record<string, string>> = { video: 'Video', audio: 'Audio', image: 'Image', enhance: 'Enhance', media: 'Any Media' };

const transcode = (label: string, parameters: Record<string, unknown>): NodeExample => ({
	node: 'Media Transcode',
	group: `Media Transcode · ${RESOURCES[typeof parameters['resource'] === 'string' ? parameters['resource'] : 'video'] ?? 'Video'}`,
	label,
	type: 'mediaTranscode',
	parameters,
});
const caption = (label: string, parameters: Record<string, unknown>): NodeExample => ({ node: 'Media Caption', group: 'Media Caption', label, type: 'mediaCaption', parameters });

const social = (label: string, parameters: Record<string, unknown>): NodeExample => ({ node: 'Social Distribute', group: 'Social Distribute', label, type: 'socialDistribute', parameters });

/** By operation. The tests hold every field against the node's own. */
export const NODE_EXAMPLES: Readonly<Record<string, NodeExample>> = {
	probe: transcode('Get Media Info', { resource: 'media', operation: 'probe' }),
	thumbnail: transcode('Thumbnail', { operation: 'thumbnail', at: '50%', width: 640, format: 'jpeg' }),
	compress: transcode('Compress', { operation: 'compress', height: 720, crf: 23 }),
	crop: transcode('Crop', { operation: 'crop', cropMode: 'ratio', ratio: '9:16' }),
	convert: transcode('Convert', { operation: 'convert', format: 'mp4_h264' }),
	trim: transcode('Trim', { operation: 'trim', start: '1', until: 'duration', duration: '2' }),
	concatenate: transcode('Concatenate', { operation: 'concatenate', clips: 'https://example.com/outro.mp4', transition: 'fade' }),
	filter: transcode('Filter', { operation: 'filter', filters: { filter: [{ name: 'grayscale' }, { name: 'contrast', amount: 1.3 }] } }),
	watermark: transcode('Watermark', { operation: 'watermark', logo: 'https://example.com/logo.png', position: 'top_right' }),
	brand: transcode('Brand', { operation: 'brand', logo: 'https://example.com/logo.png', title: 'Ada Lovelace', subtitle: 'Mathematician' }),
	normalize_loudness: transcode('Normalize Loudness', { resource: 'audio', operation: 'normalize_loudness', target: -14 }),
	extract_audio: transcode('Extract Audio', { resource: 'audio', operation: 'extract_audio', format: 'mp3' }),
	audio_channels: transcode('Change Channels', { resource: 'audio', operation: 'audio_channels', channels: 'mono' }),
	waveform: transcode('Waveform', { resource: 'audio', operation: 'waveform' }),
	denoise_audio: transcode('Remove Noise', { resource: 'audio', operation: 'denoise_audio', engine: 'auto' }),
	mix_music: transcode('Mix Music', { resource: 'audio', operation: 'mix_music', music: 'https://example.com/music.mp3' }),
	loudness: transcode('Measure Loudness', { resource: 'audio', operation: 'loudness' }),
	image_resize: transcode('Resize', { resource: 'image', operation: 'image_resize', width: 1080, height: 1080, fit: 'cover', position: 'attention', format: 'webp' }),
	image_convert: transcode('Convert', { resource: 'image', operation: 'image_convert', format: 'webp', options: { targetKilobytes: 500 } }),
	image_thumbnail: transcode('Thumbnail', { resource: 'image', operation: 'image_thumbnail', width: 300, height: 300 }),
	image_preview: transcode('Preview', { resource: 'image', operation: 'image_preview', maxSide: 1080 }),
	strip_metadata: transcode('Strip Metadata', { resource: 'image', operation: 'strip_metadata' }),
	palette: transcode('Get Palette', { resource: 'image', operation: 'palette', colors: 6 }),
	image_overlay: transcode('Overlay Logo', { resource: 'image', operation: 'image_overlay', logo: 'https://example.com/logo.png', position: 'bottom_right', opacityPercent: 80 }),
	collage: transcode('Collage', { resource: 'image', operation: 'collage', pictures: 'https://example.com/second.jpg, https://example.com/third.jpg', layout: 'grid', width: 1600 }),
	image_to_video: transcode('To Video', { resource: 'image', operation: 'image_to_video', seconds: 5, movement: 'zoom_in' }),
	scenes: transcode('List Scenes', { resource: 'video', operation: 'scenes', thumbnails: true }),
	remove_silence: transcode('Remove Silence', { resource: 'video', operation: 'remove_silence', minSilence: 0.6 }),
	remove_background: transcode('Remove Background', { resource: 'enhance', operation: 'remove_background' }),
	upscale: transcode('Upscale', { resource: 'enhance', operation: 'upscale', factor: 2 }),
	style_transfer: transcode('Style Transfer', { resource: 'enhance', operation: 'style_transfer', prompt: 'watercolour on rough paper' }),
	adaptive: transcode('Adaptive Streaming (HLS and DASH)', { operation: 'adaptive', heights: [720, 360], manifests: 'hls+dash' }),
	preset: transcode('Platform Preset', { operation: 'preset', platform: 'x' }),
	preview: transcode('Preview', { operation: 'preview' }),
	preview_clip: transcode('Preview Clip (GIF)', { operation: 'preview_clip', seconds: 4, format: 'gif' }),
	sprite: transcode('Sprite Sheet', { operation: 'sprite', tiles: 'count', count: 20 }),
	stream: transcode('Stream', { operation: 'stream' }),
	transcribe: caption('Transcribe', { operation: 'transcribe', language: 'en' }),
	subtitle_edit: caption('Edit Subtitles', {
		operation: 'subtitle_edit',
		edits: { edit: [{ kind: 'shift', ms: 500 }, { kind: 'replace', find: 'their', with: 'there' }] },
		formats: ['srt', 'vtt'],
	}),
	subtitle_convert: caption('Convert Subtitles', { operation: 'subtitle_convert', formats: ['vtt', 'txt'] }),
	burn_subtitles: caption('Burn Subtitles', { operation: 'burn_subtitles', style: 'karaoke', platform: 'tiktok', highlightColour: '#ffd60a' }),
	add_subtitles: caption('Add Subtitle Track', { operation: 'add_subtitles', subtitlesFrom: 'several', languages: ['en', 'de'] }),
	analyze: caption('Analyse', { operation: 'analyze', what: ['labels', 'objects', 'text'] }),
	safety_scan: caption('Safety Scan', { operation: 'safety_scan', whenUnsafe: 'stop', options: { sexualThreshold: 0.85 } }),
	find_duplicates: caption('Find Duplicates', { operation: 'find_duplicates', compare: 'all', whenFound: 'report' }),
	translate: caption('Translate', { operation: 'translate', to: ['de', 'ja'], what: 'subtitles' }),
	dub: caption('Dub', { operation: 'dub', to: 'es', mode: 'over', options: { keepOriginal: true } }),
	caption: caption('Write Caption', { operation: 'caption', platforms: ['mastodon', 'x'], tone: 'playful' }),
	index_asset: caption('Index for Search', { operation: 'index_asset', frames: 8 }),
	search: caption('Search', { operation: 'search', query: 'green tea', kind: 'video', limit: 5 }),
	feedback: caption('Give Feedback', { operation: 'feedback', feedbackKind: 'word', wrong: 'Cooper Netties', right: 'Kubernetes' }),
	publish: social('Post', { operation: 'post', platforms: ['mastodon'], text: 'Hello from the pipeline' }),
	validate_post: social('Validate', { operation: 'validate', platforms: ['mastodon', 'x'], text: 'Hello from the pipeline', attachMedia: false }),
	post_status: social('Get Status', { operation: 'getStatus', platforms: 'mastodon', postId: '={{ $json.post.id }}' }),
	delete_post: social('Delete', { operation: 'delete', platforms: 'mastodon', postId: '={{ $json.post.id }}' }),
	get_posts: social('Get Posts', { operation: 'getPosts', platforms: 'mastodon', refresh: 'due' }),
	best_time: social('Best Time', { operation: 'bestTime', platform: 'mastodon', timeZone: 'Europe/Berlin' }),
	compare_variants: social('Compare Variants', { operation: 'compareVariants', experiment: 'tea-launch' }),
};

/** The example of an operation; one without an entry of its own runs through "Run Several Operations". */
export function nodeExample(operation: string, params: Record<string, unknown>): NodeExample {
	const operations = JSON.stringify([{ operation, params }]);
	return NODE_EXAMPLES[operation] ?? transcode('Run Several Operations', { resource: 'media', operation: 'several', operations });
}
