#include "app/look.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "app/check.h"
#include "app/fetch.h"
#include "lua/screen.h"

enum { EVERY_MS = 1000 };

static volatile sig_atomic_t must_end;

/* An address that stands for all of the machine's is reached on loopback. */
static void prefer_loopback(struct addr *a)
{
	if (a->u.sa.sa_family == AF_INET && a->u.in.sin_addr.s_addr == htonl(INADDR_ANY))
		a->u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (a->u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr))
		a->u.in6.sin6_addr = in6addr_loopback;
}

enum err look_find(const struct look *l, struct addr *a, struct error *e)
{
	char text[128];

	if (l->admin == NULL) {
		enum err err = check_learn(l->settings, CHECK_ADMIN, text, sizeof(text), e);
		if (err != ERR_OK)
			return err;
		if (text[0] == '\0')
			return err_set(e, ERR_INVALID,
				       "%s: it has no admin side to ask; add one (admin = {}), or "
				       "name another neap's by --admin ADDR",
				       l->settings->config);
	}
	enum err err = addr_parse(a, str_of(l->admin != NULL ? l->admin : text), e);
	if (err != ERR_OK)
		return l->admin != NULL ? err_set(e, err, "--admin: %s", e->text) : err;
	if (!addr_is_unix(a) && addr_port(a) == 0)
		return err_set(e, ERR_INVALID,
			       "the config leaves the admin side's port to the system: name it by "
			       "--admin ADDR");
	prefer_loopback(a);
	return ERR_OK;
}

void look_add_parameter(char path[LOOK_PATH_MAX], const char *name, const char *value)
{
	size_t n = strlen(path);

	if (value == NULL || n + strlen(name) + 3 * strlen(value) + 3 > LOOK_PATH_MAX)
		return;
	n += (size_t)snprintf(path + n, LOOK_PATH_MAX - n,
			      "%c%s=", strchr(path, '?') == NULL ? '?' : '&', name);
	for (const char *p = value; *p != '\0'; p++)
		n += (size_t)snprintf(path + n, LOOK_PATH_MAX - n, "%%%02X", (unsigned char)*p);
}

static struct screen_size size_of(int fd)
{
	struct winsize w = { 0 };
	bool is_terminal = isatty(fd) == 1;

	if (!is_terminal || ioctl(fd, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
		return (struct screen_size){ .columns = 120, .is_terminal = is_terminal };
	return (struct screen_size){ w.ws_col, w.ws_row, is_terminal };
}

static enum err print_screen(struct str text, struct error *e)
{
	while (text.n > 0) {
		ssize_t n = write(STDOUT_FILENO, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "standard output");
		text.p += n;
		text.n -= (size_t)n;
	}
	return ERR_OK;
}

static enum err draw_answer(struct screen *s, const struct look *l, const struct addr *a,
			    struct screen_size size, struct error *e)
{
	struct fetched f;
	struct str text;
	enum err err = fetch(a, l->path, &f, e);

	if (err == ERR_OK)
		err = screen_draw(s, f.body, &size, &text, e);
	if (err == ERR_OK)
		err = print_screen(text, e);
	free(f.bytes);
	return err;
}

static enum err print_json(const struct look *l, const struct addr *a, struct error *e)
{
	struct fetched f;
	enum err err = fetch(a, l->path, &f, e);

	if (err == ERR_OK)
		err = print_screen(f.body, e);
	free(f.bytes);
	return err;
}

enum err look_once(const struct look *l, struct error *e)
{
	struct screen *s;
	struct addr a;
	enum err err = look_find(l, &a, e);

	if (err != ERR_OK)
		return err;
	if (l->is_json)
		return print_json(l, &a, e);
	err = screen_create(&s, l->module, e);
	if (err != ERR_OK)
		return err;
	struct screen_size size = size_of(STDOUT_FILENO);
	size.rows = 0;
	err = draw_answer(s, l, &a, size, e);
	screen_destroy(s);
	return err;
}

static void on_look_signal(int number)
{
	must_end = number;
}

/* q, Q or control-C ends it. */
static bool was_quit(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&p, 1, EVERY_MS) <= 0)
		return must_end != 0;
	if ((p.revents & POLLIN) == 0 || read(STDIN_FILENO, &c, 1) != 1) {
		(void)poll(NULL, 0, EVERY_MS); /* nothing can be typed there */
		return must_end != 0;
	}
	return c == 'q' || c == 'Q' || c == 3 || must_end != 0;
}

static enum err say_gone(struct error *e)
{
	char text[sizeof(e->text) + 32];
	int n = snprintf(text, sizeof(text), "\033[H\033[31m%s\033[0m\033[K", e->text);

	return print_screen((struct str){ text, n > 0 ? (size_t)n : 0 }, e);
}

static enum err look_until_end(struct screen *s, const struct look *l, const struct addr *a,
			       struct error *e)
{
	bool was_there = false;
	enum err err;

	do {
		err = print_screen(STR("\033[H"), e);
		if (err == ERR_OK)
			err = draw_answer(s, l, a, size_of(STDOUT_FILENO), e);
		if (err == ERR_OK)
			was_there = true;
		else if (err == ERR_GONE && was_there)
			err = say_gone(e); /* it may come back */
	} while (err == ERR_OK && !was_quit());
	return err;
}

static enum err watch_raw(struct screen *s, const struct look *l, const struct addr *a,
			  struct error *e)
{
	struct termios before, raw;
	bool has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
	struct sigaction act = { .sa_handler = on_look_signal };

	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	enum err err =
		print_screen(STR("\033[?1049h\033[?25l\033[2J"), e); /* a screen of its own */
	if (err == ERR_OK)
		err = look_until_end(s, l, a, e);
	(void)print_screen(STR("\033[?25h\033[?1049l"), NULL);
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return err;
}

enum err look_on(const struct look *l, struct error *e)
{
	struct screen *s;
	struct addr a;

	if (isatty(STDOUT_FILENO) != 1)
		return look_once(l, e);
	enum err err = look_find(l, &a, e);
	if (err == ERR_OK)
		err = screen_create(&s, l->module, e);
	if (err != ERR_OK)
		return err;
	err = watch_raw(s, l, &a, e);
	screen_destroy(s);
	return err;
}
