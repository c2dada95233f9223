#include "script/place.h"

#include <stdio.h>

#include "shm/hook_id.h"

const char *place_service_name(uint32_t service, const struct conf *conf)
{
	return conf != NULL && service < conf->services_n ? conf->services[service].name : "?";
}

void place_name(uint32_t place, const struct conf *conf, char *to, size_t size)
{
	(void)snprintf(to, size, "hook %s of service %s", hook_word(place_hook(place)),
		       place_service_name(place_service(place), conf));
}
