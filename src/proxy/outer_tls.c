#include "proxy/outer_tls.h"

#include <stdlib.h>

#include "base/grow.h"

union outer_tls_place {
	struct client_tls *tls;
	uint32_t vacant; /* as in struct outer_tls */
};

void outer_tls_fini(struct outer_tls *all)
{
	free(all->places);
	*all = (struct outer_tls){ NULL, 0, 0, 0 };
}

static bool make_room(struct outer_tls *all)
{
	union outer_tls_place *places = grow(all->places, all->n, &all->room, sizeof(*places));
	if (places == NULL)
		return false;
	all->places = places;
	return true;
}

uint32_t outer_tls_keep(struct outer_tls *all, struct client_tls *tls)
{
	uint32_t number = all->vacant;
	if (number != 0) {
		all->vacant = all->places[number - 1].vacant;
	} else if (make_room(all)) {
		number = ++all->n;
	} else {
		free(tls);
		return 0;
	}
	all->places[number - 1].tls = tls;
	return number;
}

const struct client_tls *outer_tls_of(const struct outer_tls *all, uint32_t number)
{
	return number == 0 ? NULL : all->places[number - 1].tls;
}

void outer_tls_drop(struct outer_tls *all, uint32_t number)
{
	if (number == 0)
		return;
	free(all->places[number - 1].tls);
	all->places[number - 1].vacant = all->vacant;
	all->vacant = number;
}
