#include "fleet/cover.h"

#include <stdio.h>

/* All workers have the same unix sockets, and the same ones of systemd. */
static bool is_shared(const struct socket_row *row)
{
	return row->is_foreign || addr_is_unix(&row->addr);
}

/* One message for each socket: the slot, the service, which of its addresses, and the socket itself. */
static bool hand_sockets(const struct ward *to, const struct socket_set *set, unsigned slot)
{
	char text[32];

	for (unsigned i = 0; i < set->uses_n; i++) {
		const struct socket_use *use = &set->uses[i];
		(void)snprintf(text, sizeof(text), "%u %u %u", slot, use->service, use->listen);
		for (unsigned k = slot; k < use->fds_n && !is_shared(use->row); k += set->workers) {
			if (!channel_send_fd(&to->channel, MESSAGE_STAND_IN, text,
					     use->row->fds[k]))
				return false;
		}
	}
	return true;
}

static void take_back(const struct ward *from, unsigned slot)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", slot);
	(void)channel_send(&from->channel, MESSAGE_STAND_DOWN, text); /* or it is about to end */
}

/* Chooses the next worker after it that is ready. */
static unsigned appoint(struct ward *workers, const struct socket_set *set, unsigned slot)
{
	for (unsigned i = 1; i < set->workers; i++) {
		unsigned other = (slot + i) % set->workers;
		if (workers[other].state != WARD_READY)
			continue;
		if (hand_sockets(&workers[other], set, slot))
			return 1 + other;
		take_back(&workers[other], slot); /* it has some of them, and does not read */
	}
	return 0;
}

void cover_arrange(struct cover *c, struct ward *workers, const struct socket_set *set)
{
	for (unsigned slot = 0; slot < set->workers; slot++) {
		unsigned *by = &c->by[slot];
		bool is_gone = *by != 0 && workers[*by - 1].state != WARD_READY;

		if (is_gone)
			*by = 0;
		if (workers[slot].state == WARD_READY) {
			if (*by != 0)
				take_back(&workers[*by - 1], slot);
			*by = 0;
		} else if (*by == 0) {
			*by = appoint(workers, set, slot);
		}
	}
}
