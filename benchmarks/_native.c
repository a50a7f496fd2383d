/* `tritongen.simulate` once more, for closed loops of requests of one row through chains on cores:
 * the same events in the same order with the same arithmetic, so the same results to the last bit.
 * The names are those of run.py, batcher.py and cores.py; what they explain is not said again. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MS 1e-6

typedef struct { double at; int64_t number; int32_t place; } Item;

typedef struct Payload { Item *items; int32_t rows; double begun; int taken; struct Payload *made; } Payload;

typedef enum { ASK, ENTER, LOOK, COME, FINISH, LEAVE, FREE, END } Kind;

typedef struct {
    double time; int64_t turn; Kind kind; int32_t station; int64_t value; double began;
    Payload *payload; Item item;
} Event;

typedef struct { double done; int64_t turn; int32_t threads, station; Payload *payload; double began, rest; } Job;

/* What Python fills in, per station; then what it reads. */
typedef struct {
    int32_t instances, most, batching, wakes, early, threads, steps, noises;
    double delay, share, release_ms;
    const double *ms, *noise;
    const int32_t *sizes;
    const uint8_t *preferred;
    int64_t *batches;
    int64_t requests;
    double waited, served, busy;
} Station;

typedef struct {
    Station *said;
    Item *queue; int32_t head, queued;
    Payload **payloads; int32_t front, waiting;
    Payload *current;
    int32_t full, enough, drawn, idle, coming, woken, slots;
    int64_t looks;
} Batcher;

typedef struct {
    int32_t stations, users, visits, limited;
    const int32_t *visited;
    double cores, send_ms, client_ms, receive_ms, answer_ms, cpu_ms;
    const double *wakes; int32_t woken;
    double *latencies; int64_t counted, room;
    int64_t offered, answered, events;
    int64_t offered_before, answered_before;
} System;

typedef struct {
    System *system; Batcher *batchers; Payload *made;
    Event *heap; int64_t events, most_events;
    Job *jobs; int64_t working;
    double *due; int64_t most_due;
    int64_t numbers, turn; int32_t wake;
    double done, at, background; int32_t threads;
    double sent, received, answered_at, from_ms;
} Run;

/* ---- the agenda ---- */

static int earlier(double a, int64_t m, double b, int64_t n) { return a < b || (a == b && m < n); }

static void push(Run *run, Event event) {
    event.turn = run->numbers++;
    if (run->events == run->most_events) {
        run->most_events *= 2;
        run->heap = realloc(run->heap, run->most_events * sizeof(Event));
    }
    int64_t place = run->events++;
    while (place) {
        int64_t above = (place - 1) / 2;
        Event *other = &run->heap[above];
        if (!earlier(event.time, event.turn, other->time, other->turn)) break;
        run->heap[place] = *other;
        place = above;
    }
    run->heap[place] = event;
}

static Event pop(Run *run) {
    Event first = run->heap[0], last = run->heap[--run->events];
    int64_t place = 0;
    for (;;) {
        int64_t below = 2 * place + 1;
        if (below >= run->events) break;
        Event *heap = run->heap;
        if (below + 1 < run->events &&
            earlier(heap[below + 1].time, heap[below + 1].turn, heap[below].time, heap[below].turn))
            below++;
        if (!earlier(heap[below].time, heap[below].turn, last.time, last.turn)) break;
        heap[place] = heap[below];
        place = below;
    }
    run->heap[place] = last;
    return first;
}

static double late(Run *run) {
    double found = run->system->wakes[run->wake];
    run->wake = (run->wake + 1) % run->system->woken;
    return found;
}

static double larger(double a, double b) { return b > a ? b : a; }

/* ---- cores ---- */

static double rate(Run *run) {
    double asked = run->threads + run->background;
    return asked <= run->system->cores ? 1.0 : run->system->cores / asked;
}

static void advance(Run *run, double now) {
    run->done += (now - run->at) * rate(run);
    run->at = now;
}

static void plan(Run *run) {
    run->turn++;
    if (run->working) {
        double end = run->at + larger(run->jobs[0].done - run->done, 0.0) / rate(run);
        push(run, (Event){.time = end, .kind = END, .value = run->turn});
    }
}

static void compute(Run *run, double now, double work, Job job) {
    advance(run, now);
    job.done = run->done + work;
    job.turn = run->numbers++;
    int64_t place = run->working++;
    while (place) {
        int64_t above = (place - 1) / 2;
        Job *other = &run->jobs[above];
        if (!earlier(job.done, job.turn, other->done, other->turn)) break;
        run->jobs[place] = *other;
        place = above;
    }
    run->jobs[place] = job;
    run->threads += job.threads;
    plan(run);
}

static void end(Run *run, double now, int64_t turn) {
    if (turn != run->turn) return;
    advance(run, now);
    Job first = run->jobs[0], last = run->jobs[--run->working];
    int64_t place = 0;
    for (;;) {
        int64_t below = 2 * place + 1;
        if (below >= run->working) break;
        Job *jobs = run->jobs;
        if (below + 1 < run->working &&
            earlier(jobs[below + 1].done, jobs[below + 1].turn, jobs[below].done, jobs[below].turn))
            below++;
        if (!earlier(jobs[below].done, jobs[below].turn, last.done, last.turn)) break;
        jobs[place] = jobs[below];
        place = below;
    }
    run->jobs[place] = last;
    run->done = first.done;
    run->threads -= first.threads;
    plan(run);
    push(run, (Event){.time = now + first.rest, .kind = FINISH, .station = first.station,
                      .payload = first.payload, .began = first.began});
}

/* ---- stations ---- */

static Payload *payload_of(Run *run, Batcher *batcher) {
    Payload *made = calloc(1, sizeof(Payload) + batcher->said->most * sizeof(Item));
    made->items = (Item *)(made + 1);
    made->made = run->made;
    run->made = made;
    return made;
}

static void add(Payload *payload, Item item) {
    if (!payload->rows) payload->begun = item.at;
    payload->items[payload->rows++] = item;
}

static int32_t at(Run *run, int32_t place) { return place % run->system->users; }

static void wake(Run *run, int32_t n, double now) {
    Batcher *batcher = &run->batchers[n];
    if (batcher->woken) return;
    batcher->woken = 1;
    push(run, (Event){.time = now + late(run), .kind = LOOK, .station = n});
}

static void call(Run *run, int32_t n, double now) {
    Batcher *batcher = &run->batchers[n];
    if (batcher->idle <= batcher->coming) return;
    batcher->coming++;
    push(run, (Event){.time = now + late(run), .kind = COME, .station = n});
}

static int room(Batcher *batcher) {
    return batcher->waiting < (batcher->said->early ? batcher->slots : batcher->idle);
}

static void put(Run *run, int32_t n, Payload *payload, double now) {
    Batcher *batcher = &run->batchers[n];
    batcher->payloads[at(run, batcher->front + batcher->waiting++)] = payload;
    call(run, n, now);
}

static void arrive(Run *run, int32_t n, double now, Item item) {
    Batcher *batcher = &run->batchers[n];
    if (!batcher->said->batching) {
        Payload *payload = payload_of(run, batcher);
        add(payload, item);
        put(run, n, payload, now);
        return;
    }
    batcher->queue[at(run, batcher->head + batcher->queued++)] = item;
    if (batcher->woken || !room(batcher)) return;
    if (batcher->queued >= batcher->enough || batcher->said->wakes || batcher->full ||
        batcher->current->taken)
        wake(run, n, now);
}

static int32_t waits(Run *run, Batcher *batcher, int32_t have, int32_t taken, int32_t count,
                     double now, double *wait) {
    Station *said = batcher->said;
    int32_t following = said->sizes[0];
    for (int32_t k = 0; k < said->steps; k++)
        if (said->sizes[k] > have + taken) { following = said->sizes[k]; break; }
    batcher->enough = following - have;
    if (have && !batcher->full && !said->preferred[have]) return count;
    *wait = larger(batcher->queue[batcher->head].at + said->delay - now, EXACT_MS);
    return 0;
}

static int32_t choose(Run *run, Batcher *batcher, double now, double *wait) {
    Station *said = batcher->said;
    int32_t have = batcher->current->rows, last = said->sizes[said->steps - 1];
    *wait = 0.0;
    if (!(have || said->delay || batcher->queued > 1) && 1 < said->sizes[0]) return 1;
    int32_t taken = 0, best = 0, marked = 0, overflow = 0;
    while (taken < batcher->queued) {
        int32_t total = have + taken + 1;
        if (have + taken) {
            if (total > last && !marked) { best = taken; marked = taken > 0; batcher->full = 1; }
            if (total > said->most) { overflow = 1; break; }
        }
        taken++;
        if (said->preferred[total]) { best = taken; marked = 1; }
    }
    int old = now - batcher->queue[batcher->head].at >= said->delay - EXACT_MS;
    if (marked && !(old && said->delay)) {
        batcher->full = batcher->full || !said->delay;
        return best;
    }
    if (overflow || have + taken >= last) { batcher->full = 1; return taken; }
    if (old || !said->delay) return taken;
    return waits(run, batcher, have, taken, taken, now, wait);
}

static void look(Run *run, int32_t n, double now, int64_t number) {
    Batcher *batcher = &run->batchers[n];
    if (number && number != batcher->looks) return;
    batcher->woken = 0;
    batcher->looks++;
    for (;;) {
        if (batcher->full || batcher->current->taken) {
            batcher->current = payload_of(run, batcher);
            batcher->full = batcher->enough = 0;
        }
        if (!batcher->queued || !room(batcher)) return;
        double wait;
        int32_t count = choose(run, batcher, now, &wait);
        if (wait > 0) {
            push(run, (Event){.time = now + wait, .kind = LOOK, .station = n,
                              .value = batcher->looks});
            return;
        }
        Payload *payload = batcher->current;
        int fresh = !payload->rows;
        for (; count; count--) {
            add(payload, batcher->queue[batcher->head]);
            batcher->head = at(run, batcher->head + 1);
            batcher->queued--;
        }
        if (fresh && payload->rows) put(run, n, payload, now);
    }
}

static Payload *next(Run *run, Batcher *batcher) {
    Payload *payload = batcher->payloads[batcher->front];
    batcher->front = at(run, batcher->front + 1);
    batcher->waiting--;
    return payload;
}

static void execute(Run *run, int32_t n, double now, Payload *payload) {
    Batcher *batcher = &run->batchers[n];
    Station *said = batcher->said;
    int32_t rows = payload->rows;
    double ms = said->ms[rows < said->most ? rows : said->most];
    if (said->noises) {
        batcher->drawn = (batcher->drawn + 1) % said->noises;
        ms *= said->noise[batcher->drawn];
    }
    for (int32_t k = 0; k < rows; k++) said->waited += now - payload->items[k].at;
    said->requests += rows;
    said->batches[rows]++;
    if (said->share && run->system->limited) {
        double work = ms * said->share;
        compute(run, now, work, (Job){.threads = said->threads, .station = n, .payload = payload,
                                      .began = now, .rest = ms - work});
    } else
        push(run, (Event){.time = now + ms, .kind = FINISH, .station = n, .payload = payload,
                          .began = now});
}

static void take(Run *run, int32_t n, double now) {
    Batcher *batcher = &run->batchers[n];
    Station *said = batcher->said;
    Payload *payload = next(run, batcher);
    payload->taken = 1;
    if (said->delay && said->most > 1)
        while (batcher->waiting) {
            Payload *front = batcher->payloads[batcher->front];
            if (now - front->begun <= said->delay) break;
            front->taken = 1;
            if (payload->rows + front->rows > said->most) break;
            for (int32_t k = 0; k < front->rows; k++) add(payload, front->items[k]);
            next(run, batcher);
        }
    if (said->batching && batcher->queued) wake(run, n, now);
    execute(run, n, now, payload);
}

static void answer(Run *run, double now, int64_t number) {
    System *system = run->system;
    run->answered_at = larger(now, run->answered_at) + system->answer_ms;
    double done = larger(run->answered_at + system->client_ms / 2, run->sent) + system->send_ms / 2;
    run->sent = done;
    system->answered++;
    if (done >= run->from_ms) {
        if (system->counted == system->room) {
            system->room *= 2;
            system->latencies = realloc(system->latencies, system->room * sizeof(double));
        }
        system->latencies[system->counted++] = done - run->due[number];
    }
    if (system->limited)
        run->background = system->cpu_ms * system->answered / larger(done, 1.0);
    push(run, (Event){.time = done, .kind = ASK});
}

static void leave(Run *run, double now, Item item) {
    int32_t following = item.place + 1;
    if (following == run->system->visits) {
        answer(run, now, item.number);
        return;
    }
    arrive(run, run->system->visited[following], now,
           (Item){.at = now, .number = item.number, .place = following});
}

static void finish(Run *run, int32_t n, double now, Payload *payload, double began) {
    Station *said = run->batchers[n].said;
    double end = now;
    int32_t last = payload->rows - 1;
    for (int32_t k = 0; k < last; k++) {
        end += said->release_ms;
        push(run, (Event){.time = end, .kind = LEAVE, .station = n, .item = payload->items[k]});
    }
    end += said->release_ms;
    push(run, (Event){.time = end, .kind = FREE, .station = n, .item = payload->items[last]});
    said->served += (now - began) * payload->rows;
    said->busy += end - began;
}

static void release(Run *run, int32_t n, double now, Item last) {
    Batcher *batcher = &run->batchers[n];
    leave(run, now, last);
    if (batcher->waiting) {
        take(run, n, now);
        return;
    }
    batcher->idle++;
    if (batcher->queued) wake(run, n, now);
}

/* ---- load ---- */

static void ask(Run *run, double now) {
    System *system = run->system;
    int64_t number = ++system->offered;
    if (number == run->most_due) {
        run->most_due *= 2;
        run->due = realloc(run->due, run->most_due * sizeof(double));
    }
    run->due[number] = now;
    run->sent = larger(now, run->sent) + system->send_ms / 2;
    double arrival = larger(run->sent + system->client_ms / 2, run->received) + system->receive_ms;
    run->received = arrival;
    push(run, (Event){.time = arrival, .kind = ENTER, .value = number});
}

static void until(Run *run, double time) {
    while (run->events && run->heap[0].time < time) {
        Event event = pop(run);
        double now = event.time;
        int32_t n = event.station;
        run->system->events++;
        switch (event.kind) {
        case ASK: ask(run, now); break;
        case ENTER:
            arrive(run, run->system->visited[0], now, (Item){.at = now, .number = event.value});
            break;
        case LOOK: look(run, n, now, event.value); break;
        case COME:
            run->batchers[n].coming--;
            if (run->batchers[n].waiting) {
                run->batchers[n].idle--;
                take(run, n, now);
            }
            break;
        case FINISH: finish(run, n, now, event.payload, event.began); break;
        case LEAVE: leave(run, now, event.item); break;
        case FREE: release(run, n, now, event.item); break;
        case END: end(run, now, event.value); break;
        }
    }
}

void simulate(System *system, Station *stations, const double *starts, double warmup_ms,
              double end_ms) {
    Run run = {.system = system, .most_events = 1024, .most_due = 1024};
    run.heap = malloc(run.most_events * sizeof(Event));
    run.due = malloc(run.most_due * sizeof(double));
    run.jobs = malloc((system->users + 1) * sizeof(Job));
    run.batchers = calloc(system->stations, sizeof(Batcher));
    system->room = 1024;
    system->latencies = malloc(system->room * sizeof(double));
    for (int32_t n = 0; n < system->stations; n++) {
        Batcher *batcher = &run.batchers[n];
        batcher->said = &stations[n];
        batcher->queue = malloc(system->users * sizeof(Item));
        batcher->payloads = malloc(system->users * sizeof(Payload *));
        batcher->current = payload_of(&run, batcher);
        batcher->idle = stations[n].instances;
        batcher->slots = 2 * stations[n].instances;
    }
    for (int32_t k = 0; k < system->users; k++)
        push(&run, (Event){.time = starts[k], .kind = ASK});
    until(&run, warmup_ms);
    run.from_ms = warmup_ms;
    system->counted = 0;
    for (int32_t n = 0; n < system->stations; n++) {
        Station *said = &stations[n];
        memset(said->batches, 0, (said->most + 1) * sizeof(int64_t));
        said->requests = 0;
        said->waited = said->served = said->busy = 0.0;
    }
    system->offered_before = system->offered;
    system->answered_before = system->answered;
    until(&run, end_ms);
    for (int32_t n = 0; n < system->stations; n++) {
        free(run.batchers[n].queue);
        free(run.batchers[n].payloads);
    }
    for (Payload *made = run.made; made;) {
        Payload *following = made->made;
        free(made);
        made = following;
    }
    free(run.heap);
    free(run.due);
    free(run.jobs);
    free(run.batchers);
}

void forget(System *system) { free(system->latencies); }
