#include "script/io.h"

#include "base/log.h"

void io_init(struct io *io, struct loop *loop, neap_current *current)
{
	*io = (struct io){ .loop = loop, .current = current };
	list_init(&io->kept);
	list_init(&io->links);
	for (unsigned i = 0; i < IO_EVENT_LISTS; i++)
		list_init(&io->listeners[i]);
}

void io_fini(struct io *io)
{
	if (io->dns != NULL)
		dns_destroy(io->dns);
	shelf_fini(&io->shelf);
	trusts_fini(&io->trusts);
}

struct dns *io_resolver(struct io *io)
{
	struct error e;
	if (io->dns == NULL && dns_create(&io->dns, io->loop, &e) != ERR_OK)
		log_error("names cannot be resolved: %s", e.text);
	return io->dns;
}
