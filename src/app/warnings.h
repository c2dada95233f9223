/*
 * Warnings of what a process of a new generation loads, on their way to `neap reload`: its master passes
 * them on. They are in the log, too, where the process writes one.
 */
#ifndef NEAP_APP_WARNINGS_H
#define NEAP_APP_WARNINGS_H

struct warnings {
	int channel;   /* to the master */
	unsigned left; /* so many more are told: they must not fill the channel */
};

/* w lives until warnings_end. */
void warnings_begin(struct warnings *w, int channel);
void warnings_end(void);

#endif
