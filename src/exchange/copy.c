#include "exchange/copy.h"

#include <stdlib.h>
#include <string.h>

#include "http/edits.h"

bool copy_edits(struct neap_request *to, const struct neap_request *from)
{
	if (from->edits != NULL && (to->edits = edits_copy(from->edits)) == NULL)
		return false;
	if (from->new_path == NULL)
		return true;
	to->new_path = malloc(from->new_path_n);
	if (to->new_path == NULL)
		return false;
	memcpy(to->new_path, from->new_path, from->new_path_n);
	to->new_path_n = from->new_path_n;
	return true;
}

bool copy_body(struct body *to, const struct body *from)
{
	struct iovec pieces[2];
	int n = body_pieces(from, pieces);
	struct str trailers = body_trailers(from);
	to->form = from->form;
	to->payload = from->payload;
	to->is_complete = to->came_at_once = true;
	for (int i = 0; i < n; i++) {
		if (!buf_append(&to->buf, pieces[i].iov_base, pieces[i].iov_len))
			return false;
	}
	return trailers.n == 0 || buf_append(&to->trailers, trailers.p, trailers.n);
}
