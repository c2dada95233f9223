#include "app/warnings.h"

#include "base/log.h"
#include "fleet/channel.h"

enum { TOLD_MAX = 16 };

static void on_warning(void *ctx, const char *text)
{
	struct warnings *w = ctx;

	if (w->left == 0)
		return;
	w->left--;
	(void)message_send(w->channel, MESSAGE_WARNING,
			   w->left > 0 ? text : "there are more warnings: see the log, or neap -t");
}

void warnings_begin(struct warnings *w, int channel)
{
	*w = (struct warnings){ channel, TOLD_MAX };
	log_hear(on_warning, w);
}

void warnings_end(void)
{
	log_hear(NULL, NULL);
}
