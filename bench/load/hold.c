#define _GNU_SOURCE
#include "hold.h"
#include "options.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) fail("bind the origin to port %d: %s", port, strerror(errno));
  if (listen(fd, 4096) < 0) fail("listen at the origin: %s", strerror(errno));
  return fd;
}

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof at.sun_path) fail("path of a Unix socket is too long: %s", path);
  strcpy(at.sun_path, path);
  return at;
}

/* A message of one byte with room for one descriptor beside it. */
struct parcel {
  char byte;
  struct iovec bytes;
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message;
};

static void prepare(struct parcel *p) {
  *p = (struct parcel){.bytes = {&p->byte, 1}};
  p->message = (struct msghdr){.msg_iov = &p->bytes, .msg_iovlen = 1, .msg_control = &p->control, .msg_controllen = sizeof p->control};
}

static void lend(int to, int fd) {
  struct parcel p;
  prepare(&p);
  p.control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(&p.control.header), &fd, sizeof fd);
  sendmsg(to, &p.message, MSG_NOSIGNAL);
}

void hold_port(int port, const char *socket_path) {
  int listener = listen_on(port), counter = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un at = address_of(socket_path);
  if (bind(counter, (struct sockaddr *)&at, sizeof at) < 0 || listen(counter, 4) < 0) fail("cannot lend the listener at %s: %s", socket_path, strerror(errno));
  printf("{\"ready\":true}\n");
  fflush(stdout);
  for (;;) {
    int borrower = accept(counter, NULL, NULL);
    if (borrower < 0) continue;
    lend(borrower, listener);
    close(borrower);
  }
}

int borrow_listener(const char *socket_path) {
  struct sockaddr_un at = address_of(socket_path);
  struct parcel p;
  int fd, lender = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(lender, (struct sockaddr *)&at, sizeof at) < 0) fail("cannot borrow the listener at %s: %s", socket_path, strerror(errno));
  prepare(&p);
  if (recvmsg(lender, &p.message, MSG_CMSG_CLOEXEC) != 1 || p.control.header.cmsg_type != SCM_RIGHTS) fail("no listener came from %s", socket_path);
  memcpy(&fd, CMSG_DATA(&p.control.header), sizeof fd);
  close(lender);
  return fd;
}
