/** Positions on a picture, by the values of the wire. */
export const PLACES = [
	{ name: 'Bottom', value: 'bottom' },
	{ name: 'Bottom Left', value: 'bottom_left' },
	{ name: 'Bottom Right', value: 'bottom_right' },
	{ name: 'Center', value: 'center' },
	{ name: 'Left', value: 'left' },
	{ name: 'Right', value: 'right' },
	{ name: 'Top', value: 'top' },
	{ name: 'Top Left', value: 'top_left' },
	{ name: 'Top Right', value: 'top_right' },
];
