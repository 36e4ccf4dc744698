/* A member of a kept service, for tests of what a stop leaves behind.
 *
 *     member MODE ROLE ROOM [COUNT MILLISECONDS]
 *
 * Every member calls itself by its role, and holds ROOM/held with a shared lock: whoever gets it alone knows that none
 * lives. It ends by itself after LIFE seconds, and one that forks all the time ends once there is a file ROOM/end.
 *
 *     obeys      ends at TERM
 *     stubborn   ignores TERM, INT and HUP, as all below
 *     daemon     forks twice into a session of its own, overwrites its environment, writes its pid to ROOM/pid
 *     beside     the same, but the first one stays, in the foreground, and ends at TERM
 *     thread     its main thread has ended, and another one lives
 *     chains     COUNT processes, each of which is replaced by a child of its own after so many milliseconds; once all
 *                are there, the first one writes its pid to ROOM/pid. It reaps them: left to a process 1 that reaps
 *                late, their zombies take every pid of the machine within seconds. Once it is dead they live on, and
 *                fork no more.
 *     storm      the same, with the lowest priority: more of it than the processors can do
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LIFE = 300 /* seconds */ };

static char path[4096];

static const char *below(const char *room, const char *name) {
    snprintf(path, sizeof path, "%s/%s", room, name);
    return path;
}

static void hold(const char *room) {
    int held = open(below(room, "held"), O_RDONLY);
    if (held < 0 || flock(held, LOCK_SH))
        _exit(9);
}

static void ignore(void) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void *wait_for_ever(void *unused) {
    for (;;)
        pause();
    return unused;
}

static void overwrite(char **environment) {
    for (; *environment; environment++)
        memset(*environment, 0, strlen(*environment));
}

static void write_pid(const char *room) {
    char whole[4096 + 8];
    FILE *file = fopen(below(room, "pid.new"), "w");
    if (!file)
        _exit(9);
    fprintf(file, "%d\n", getpid());
    fclose(file);
    snprintf(whole, sizeof whole, "%s/pid", room);
    rename(path, whole);
}

/* Return in the daemon alone; the first process exits with 0, or stays. */
static void become_daemon(int stays) {
    if (fork()) {
        if (!stays)
            _exit(0);
        signal(SIGTERM, SIG_DFL);
        wait_for_ever(NULL);
    }
    setsid();
    if (fork())
        _exit(0);
    alarm(LIFE);
}

static void chain(const char *room, int beat, int begin, int alive) {
    char byte;
    read(begin, &byte, 1); /* all begin at once, when the last of them is there */
    time_t end = time(NULL) + LIFE;
    pid_t parent = 0;
    below(room, "end");
    for (;;) {
        do
            usleep(beat * 1000);
        while (getppid() == parent); /* never more than two of one chain, on a busy machine either */
        parent = getpid();
        if (!access(path, F_OK) || time(NULL) > end)
            _exit(0);
        if (read(alive, &byte, 1) != 0 && fork() > 0)
            _exit(0);
    }
}

/* Leave the processors to whoever else wants them: what is measured is a run, not how long it waits for its turn. */
static void give_way(void) {
    FILE *file = fopen("/proc/self/autogroup", "w"); /* that of its session */
    if (file) {
        fputs("19", file);
        fclose(file);
    }
    setpriority(PRIO_PROCESS, 0, 19);
}

static void chains(const char *room, int count, int beat) {
    int begin[2], alive[2];
    if (pipe(begin) || pipe2(alive, O_NONBLOCK))
        _exit(9);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGCHLD, SIG_IGN); /* whatever is ours to reap is reaped at once */
    while (count--)
        if (!fork()) {
            close(begin[1]);
            close(alive[1]);
            chain(room, beat, begin[0], alive[0]);
        }
    close(begin[1]);
    write_pid(room);
}

int main(int argc, char **argv, char **environment) {
    pthread_t other;
    if (argc < 4)
        return 2;
    const char *mode = argv[1], *room = argv[3];
    alarm(LIFE);
    prctl(PR_SET_NAME, argv[2]);
    hold(room);
    if (strcmp(mode, "obeys"))
        ignore();
    if (!strcmp(mode, "daemon") || !strcmp(mode, "beside")) {
        become_daemon(!strcmp(mode, "beside"));
        overwrite(environment);
        write_pid(room);
    } else if (!strcmp(mode, "thread")) {
        if (pthread_create(&other, NULL, wait_for_ever, NULL))
            return 9;
        pthread_exit(NULL);
    } else if (!strcmp(mode, "chains") || !strcmp(mode, "storm")) {
        if (!strcmp(mode, "storm"))
            give_way();
        chains(room, argc > 4 ? atoi(argv[4]) : 1000, argc > 5 ? atoi(argv[5]) : 10);
    }
    wait_for_ever(NULL);
}
