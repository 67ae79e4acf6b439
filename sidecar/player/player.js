/* global document, navigator, window, Element */
// The player of public pages. Without it, the browser's own controls play the same file.
const data = JSON.parse(document.getElementById('data')?.textContent ?? '{}');
const root = document.getElementById('player');
const media = root?.querySelector('video, audio');
/** Shapes of the buttons, 24 × 24. */
const ICONS = {
	play: 'M8 5v14l11-7z',
	pause: 'M6 5h4v14H6zm8 0h4v14h-4z',
	sound: 'M3 9v6h4l5 5V4L7 9zm13.5 3A4.5 4.5 0 0 0 14 8v8a4.5 4.5 0 0 0 2.5-4zM14 3.2v2.1a7 7 0 0 1 0 13.4v2.1a9 9 0 0 0 0-17.6z',
	muted: 'M3 9v6h4l5 5V4L7 9zm18.5.9-1.4-1.4L18 10.6l-2.1-2.1-1.4 1.4 2.1 2.1-2.1 2.1 1.4 1.4 2.1-2.1 2.1 2.1 1.4-1.4-2.1-2.1z',
	captions: 'M4 5h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V7c0-1.1.9-2 2-2zm7 6V9.5H6.5A1.5 1.5 0 0 0 5 11v2a1.5 1.5 0 0 0 1.5 1.5H11V13H7v-2zm8 0V9.5h-4.5A1.5 1.5 0 0 0 13 11v2a1.5 1.5 0 0 0 1.5 1.5H19V13h-4v-2z',
	full: 'M5 14H3v7h7v-2H5zM3 10h2V5h5V3H3zm16 9h-5v2h7v-7h-2zM14 3v2h5v5h2V3z',
	back: 'M5 16h3v3h2v-5H5zm3-8H5v2h5V5H8zm6 11h2v-3h3v-2h-5zm2-11V5h-2v5h5V8z',
};
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
/** Controls go after this time without a move, while it plays. */
const IDLE_MS = 2500;
/** Shorter waits are not worth a sign; longer ones are worth a word. */
const WHEEL_MS = 400;
const SLOW_MS = 8000;

function start(root, media) {
	const seconds = () => (Number.isFinite(media.duration) && media.duration > 0 ? media.duration : data.seconds);
	const chapterAt = (at) => data.chapters.findLast((chapter) => chapter.start <= at + 0.001);
	const tracks = () => [...media.textTracks].filter((track) => track.kind === 'captions' || track.kind === 'subtitles');
	const list = document.getElementById('chapters');
	const embedded = document.body.classList.contains('embedded');
	media.controls = false;

	// What there is to press
	const play = button('play', 'Play (k)', () => toggle());
	const big = button('play', 'Play', () => toggle(), 'start');
	const mute = button('sound', 'Mute (m)', () => (media.muted = !media.muted));
	const volume = element('input', { type: 'range', min: '0', max: '1', step: '0.05', className: 'volume', ariaLabel: 'Volume' });
	const time = element('span', { className: 'time' });
	const now = element('span', { className: 'now', dir: 'auto' });
	const captions = button('captions', 'Captions (c)', () => nextCaptions());
	const language = element('select', { ariaLabel: 'Language of captions' });
	const rate = element('select', { ariaLabel: 'Speed' });
	const full = button('full', 'Full screen (f)', () => fullscreen());
	const seek = element('input', { type: 'range', min: '0', step: 'any', value: '0', ariaLabel: 'Position' });
	const [rail, loaded, played, knob, hint] = ['rail', 'loaded', 'played', 'knob', 'hint'].map((className) => element('span', { className }));
	const words = element('span', {});
	const again = element('button', { type: 'button', className: 'again', textContent: 'Try again', hidden: true });
	const message = element('div', { className: 'message' }, words, again);
	// There from the start: what appears together with its text is not read out.
	words.setAttribute('role', 'status');
	const wheel = element('span', { className: 'wheel', hidden: true });
	wheel.setAttribute('aria-hidden', 'true');
	const bar = element('div', { className: 'bar' }, seek, rail, loaded, played, knob, hint);
	hint.hidden = true;
	const controls = element('div', { className: 'controls' }, bar, element('div', { className: 'row' }, play, mute, volume, time, now, element('span', { className: 'space' }), captions, language, rate, full));
	root.append(wheel, controls, message);
	if (data.kind === 'video') root.append(big);
	else full.hidden = true;
	for (const value of RATES) rate.append(element('option', { value: String(value), textContent: `${value}×`, selected: value === 1 }));
	for (const [index, { label }] of data.captions.entries()) language.append(element('option', { value: String(index), textContent: label }));
	captions.hidden = data.captions.length === 0;
	language.hidden = data.captions.length < 2;
	for (const track of tracks()) track.mode = 'disabled';
	const preferred = data.captions.findIndex((one) => navigator.languages.some((wanted) => wanted.split('-')[0] === one.language.split('-')[0]));
	language.value = String(Math.max(0, preferred));

	function toggle() {
		if (media.error) retry();
		else if (media.paused) begin();
		else media.pause();
	}
	function begin() {
		// Interrupted by another source, or not supported: of the latter, the event `error` tells as well.
		media.play().catch(({ name }) => name === 'NotAllowedError' && say('Press play once more: the browser did not allow it.'));
	}
	function jump(to) {
		media.currentTime = Math.min(Math.max(0, to), seconds() || 0);
		draw();
	}
	function show(index) {
		for (const [place, track] of tracks().entries()) track.mode = place === index ? 'showing' : 'disabled';
		captions.setAttribute('aria-pressed', String(index >= 0));
	}
	function nextCaptions() {
		const on = tracks().some((track) => track.mode === 'showing');
		show(on ? -1 : Number(language.value));
	}
	function fullscreen() {
		if (document.fullscreenElement) document.exitFullscreen();
		else if (root.requestFullscreen) root.requestFullscreen().catch(() => {});
		// Phones of Apple show only the video itself full screen.
		else media.webkitEnterFullscreen?.();
	}
	function say(text, canRetry = false) {
		words.textContent = text;
		again.hidden = !canRetry;
	}

	// What goes wrong, in words
	let position = 0;
	let waiting = 0;
	function wait() {
		if (waiting || media.error) return;
		const later = setTimeout(() => (wheel.hidden = false), WHEEL_MS);
		const long = setTimeout(() => say(navigator.onLine ? 'Still loading: the connection is slow, or was lost.' : 'There is no connection to the internet.'), SLOW_MS);
		waiting = [later, long];
	}
	function go() {
		if (!waiting) return;
		waiting.forEach(clearTimeout);
		waiting = 0;
		wheel.hidden = true;
		if (!media.error) say('');
	}
	async function failed() {
		if (!media.error) return;
		go();
		drawState();
		const answer = await fetch(media.currentSrc, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
		if (!media.error) return;
		if (!answer && !isElsewhere(media.currentSrc)) say('The connection was lost.', true);
		else if (answer?.status === 404 || answer?.status === 410) say('This is not available any more. Load the page again to see whether there is a newer version.');
		else if (answer && !answer.ok) say('This cannot be loaded at the moment.', true);
		else say('This browser cannot play it.', true);
	}
	function retry() {
		say('');
		const at = position;
		media.load();
		root.classList.remove('failed');
		media.currentTime = at;
		begin();
		play.focus();
	}
	again.addEventListener('click', retry);

	// What is seen
	function draw() {
		const all = seconds() || 1;
		const at = media.currentTime;
		const share = `${Math.min(100, (at / all) * 100)}%`;
		seek.max = String(all);
		if (!seek.matches(':active')) seek.value = String(at);
		seek.setAttribute('aria-valuetext', `${clock(at)} of ${clock(all)}`);
		played.style.width = share;
		knob.style.left = share;
		const { buffered } = media;
		for (let index = 0; index < buffered.length; index += 1) if (buffered.start(index) <= at + 0.5) loaded.style.width = `${Math.min(100, (buffered.end(index) / all) * 100)}%`;
		const chapter = chapterAt(at);
		time.textContent = `${clock(at)} / ${clock(all)}`;
		now.textContent = chapter ? chapter.title : '';
		for (const [index, entry] of [...document.querySelectorAll('#chapters button')].entries()) entry.setAttribute('aria-current', String(data.chapters[index] === chapter));
	}
	function drawState() {
		icon(play, media.paused ? 'play' : 'pause', media.paused ? 'Play (k)' : 'Pause (k)');
		const silent = media.muted || media.volume === 0;
		icon(mute, silent ? 'muted' : 'sound', silent ? 'Sound on (m)' : 'Mute (m)');
		volume.value = String(silent ? 0 : media.volume);
		volume.setAttribute('aria-valuetext', `${Math.round(Number(volume.value) * 100)} %`);
		root.classList.toggle('failed', Boolean(media.error));
		if (!media.paused) big.remove();
		wake();
	}
	for (const name of ['timeupdate', 'progress', 'durationchange', 'seeking', 'seeked']) media.addEventListener(name, draw);
	for (const name of ['play', 'pause', 'ended', 'volumechange']) media.addEventListener(name, drawState);
	for (const name of ['waiting', 'seeking']) media.addEventListener(name, wait);
	media.addEventListener('play', () => media.readyState < 3 && wait());
	for (const name of ['playing', 'canplay', 'seeked', 'pause', 'ended', 'emptied']) media.addEventListener(name, go);
	media.addEventListener('playing', () => say(''));
	media.addEventListener('timeupdate', () => (position = media.currentTime || position));
	window.addEventListener('online', () => media.error && retry());
	media.addEventListener('ratechange', () => (rate.value = String(media.playbackRate)));
	media.addEventListener('error', failed);
	let asleep = false;
	root.addEventListener('pointerdown', ({ pointerType }) => (asleep = pointerType !== 'mouse' && root.classList.contains('idle')), { capture: true });
	// The first touch brings the controls.
	media.addEventListener('click', () => asleep || toggle());
	seek.addEventListener('input', () => jump(Number(seek.value)));
	volume.addEventListener('input', () => {
		media.volume = Number(volume.value);
		media.muted = media.volume === 0;
	});
	rate.addEventListener('change', () => (media.playbackRate = Number(rate.value)));
	language.addEventListener('change', () => show(Number(language.value)));
	document.addEventListener('fullscreenchange', () => icon(full, document.fullscreenElement ? 'back' : 'full', document.fullscreenElement ? 'Leave full screen (f)' : 'Full screen (f)'));
	bar.addEventListener('pointermove', (event) => {
		const { left, width } = bar.getBoundingClientRect();
		const at = Math.min(1, Math.max(0, (event.clientX - left) / width)) * seconds();
		const chapter = chapterAt(at);
		hint.textContent = chapter ? `${clock(at)} ${chapter.title}` : clock(at);
		hint.hidden = false;
		const half = hint.offsetWidth / 2;
		hint.style.left = `${Math.min(width - half, Math.max(half, event.clientX - left))}px`;
	});
	bar.addEventListener('pointerleave', () => (hint.hidden = true));

	let idle = 0;
	function wake() {
		root.classList.remove('idle');
		clearTimeout(idle);
		idle = setTimeout(() => root.classList.toggle('idle', !media.paused && data.kind === 'video'), IDLE_MS);
	}
	for (const name of ['pointermove', 'pointerdown', 'focusin', 'keydown']) root.addEventListener(name, wake);

	// Keys, as other players have them
	document.addEventListener('keydown', (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		const target = event.target instanceof Element ? event.target : root;
		if (target.matches('select') || (event.key === ' ' && target.closest('button'))) return;
		const act = keys(event.key);
		if (!act || (target === volume && event.key.startsWith('Arrow'))) return;
		// Elsewhere on the page these scroll it.
		if (['ArrowUp', 'ArrowDown', 'Home', 'End'].includes(event.key) && !root.contains(target) && !embedded) return;
		event.preventDefault();
		act();
		wake();
	});
	function keys(key) {
		if (/^[0-9]$/.test(key)) return () => jump((seconds() * Number(key)) / 10);
		return {
			' ': toggle,
			k: toggle,
			j: () => jump(media.currentTime - 10),
			l: () => jump(media.currentTime + 10),
			ArrowLeft: () => jump(media.currentTime - 5),
			ArrowRight: () => jump(media.currentTime + 5),
			Home: () => jump(0),
			End: () => jump(seconds()),
			ArrowUp: () => (media.volume = Math.min(1, media.volume + 0.1)),
			ArrowDown: () => (media.volume = Math.max(0, media.volume - 0.1)),
			m: () => (media.muted = !media.muted),
			c: () => captions.hidden || nextCaptions(),
			f: () => full.hidden || fullscreen(),
		}[key.length === 1 ? key.toLowerCase() : key];
	}

	// Chapters: marks on the bar, and a list where the page has room for one
	for (const { start } of data.chapters.slice(1)) {
		const mark = element('span', { className: 'mark' });
		mark.style.left = `${(start / data.seconds) * 100}%`;
		knob.before(mark);
	}
	for (const chapter of data.chapters) {
		const entry = element('button', { type: 'button' }, element('time', { textContent: clock(chapter.start) }), element('span', { textContent: chapter.title, dir: 'auto' }));
		entry.addEventListener('click', () => {
			jump(chapter.start);
			if (media.paused) toggle();
		});
		list?.append(element('li', {}, entry));
	}

	if (data.hls) void adaptive(media, draw);
	drawState();
	draw();
	// The file may have failed before this script came.
	if (media.error) void failed();
}

/** The ladder in place of the one file, where the browser can. When that fails, the file stays. */
async function adaptive(media, draw) {
	const file = media.getAttribute('src');
	if (!('MediaSource' in window || 'ManagedMediaSource' in window)) {
		if (media.canPlayType('application/vnd.apple.mpegurl')) media.src = data.hls;
		return;
	}
	const { default: Hls } = await import('/player/hls.js');
	if (!Hls.isSupported() || !media.paused) return;
	// A worker would be made of a blob, which the policy of the page forbids.
	const hls = new Hls({ enableWorker: false, capLevelToPlayerSize: true });
	hls.on(Hls.Events.ERROR, (_event, { fatal }) => {
		if (!fatal) return;
		const at = media.currentTime;
		const playing = !media.paused;
		hls.destroy();
		media.src = file;
		media.currentTime = at;
		if (playing) media.play().catch(() => {});
	});
	hls.on(Hls.Events.MANIFEST_PARSED, draw);
	hls.loadSource(data.hls);
	hls.attachMedia(media);
}

/** Of another origin: what its answers say is not for us to read. */
const isElsewhere = (url) => !url.startsWith('blob:') && new URL(url, document.baseURI).origin !== window.location.origin;

function clock(seconds) {
	const whole = Math.floor(Math.max(0, seconds || 0));
	const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
	const two = (number) => String(number).padStart(2, '0');
	return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function element(name, properties, ...children) {
	const made = Object.assign(document.createElement(name), properties);
	made.append(...children);
	return made;
}

function button(shape, label, act, className = '') {
	const made = element('button', { type: 'button', className });
	made.addEventListener('click', act);
	icon(made, shape, label);
	return made;
}

function icon(target, shape, label) {
	const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	drawing.setAttribute('viewBox', '0 0 24 24');
	drawing.setAttribute('aria-hidden', 'true');
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
	path.setAttribute('d', ICONS[shape]);
	path.setAttribute('fill-rule', 'evenodd');
	drawing.append(path);
	target.replaceChildren(drawing);
	target.setAttribute('aria-label', label);
	target.title = label;
}

if (root && media) start(root, media);
