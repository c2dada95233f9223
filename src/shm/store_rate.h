/*
 * What limits keep in a store: how much came within a window that slides, and when a client may
 * come again. Atomic over all processes.
 */
#ifndef NEAP_SHM_STORE_RATE_H
#define NEAP_SHM_STORE_RATE_H

#include "shm/store_place.h"

/*
 * Adds n to the window of that key, and leaves in *to the sum of what was added within the last
 * window_ms, this included. n 0: only reads, and makes nothing.
 *
 * The window is kept in fifths: of the oldest one, which is partly over, the part that is still
 * inside is estimated. So the sum is wrong by at most what came in one fifth of the window, and not
 * at all where what comes is even. Another length begins anew. A window whose time has passed
 * expires by itself.
 */
enum store_result store_count(const struct store *s, struct str key, double n, int64_t window_ms,
			      double *to);

/*
 * The generic cell rate algorithm (ITU-T I.371): what is taken moves the key's theoretical arrival
 * time on by cost × interval, and it may be at most `tolerance` ahead of now. So a burst of
 * tolerance / interval is free at once, and one more each interval.
 */
struct store_rate {
	double cost;
	double interval_us, tolerance_us;
};

struct store_taken {
	double wait_us;	 /* 0: it was taken; else: not, and it would be after that long */
	double ahead_us; /* of the arrival time, after this */
};

/* STORE_TOO_LARGE: it costs more than the tolerance: it can never be taken. */
enum store_result store_take(const struct store *s, struct str key, const struct store_rate *rate,
			     struct store_taken *to);

/* How far the key is ahead of its rate, in microseconds; makes nothing. */
enum store_result store_ahead(const struct store *s, struct str key, double *to_us);

#endif
