import type { Detection, Label, Labeler, ObjectDetector } from '../vision.ts';

/** The kinds of things that the detector sees, and nothing else: it knows no scenes, no colours, no actions. */
export function createLocalLabels(detector: ObjectDetector): Labeler {
	return {
		name: detector.name,
		model: detector.model,
		obstacle: () => detector.obstacle(),
		async label(pictures, options) {
			const { objects, ...answered } = await detector.detectObjects(pictures, options);
			return { ...answered, labels: objects.map(kindsOf) };
		},
	};
}

/** Each kind once, with the score of the best of it; best first. */
export function kindsOf(objects: readonly Detection[]): Label[] {
	const best = new Map<string, number>();
	for (const { label, score } of objects) best.set(label, Math.max(score, best.get(label) ?? 0));
	return [...best].map(([label, score]) => ({ label, score })).sort((a, b) => b.score - a.score);
}
