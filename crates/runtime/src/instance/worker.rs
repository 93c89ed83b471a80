//! Instances that serve several requests, one after another or at once, if the manifest allows it.
//!
//! Such an instance is a task of its own, a worker, on the thread of the request that it was made
//! for, and gets requests as jobs. Instead of its own instance, a request polls a future that
//! watches the worker. A worker continues a request whose client has gone, because nothing ends one
//! call of an instance without ending the rest; until then it keeps the request's place among the
//! running ones.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    thread::{self, ThreadId},
};

use futures::{StreamExt, stream::FuturesUnordered};
use http::uri::Scheme;
use keyway_app::Reuse;
use keyway_call::{Deadline, Failure};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout_at},
};
use wasmtime::{Store, component::Accessor};
use wasmtime_wasi_http::{WasiBody, p2::bindings::Proxy, p3::bindings::Service};

use super::{Answer, Broken, Responder, answer_0_2, answer_0_3, failure};
use crate::{admission::Admission, export::Instance, pace::Pace, state::State};

/// The workers of a unit.
#[derive(Debug)]
pub(super) struct Workers {
    reuse: Reuse,
    /// Those that may get more requests; the one that got one last is last.
    seats: Mutex<Seats>,
    /// As many workers as requests may run at once, so that the pool has room for each.
    room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Seats {
    open: Vec<Seat>,
    next: u64,
}

/// A worker, as seen by the requests it serves.
#[derive(Debug)]
struct Seat {
    number: u64,
    thread: ThreadId,
    jobs: mpsc::UnboundedSender<Box<Job>>,
    ended: watch::Receiver<Option<Failure>>,
    /// Requests that it ever got.
    taken: usize,
    /// Requests that it has.
    running: usize,
    /// Whether it has come to wait since it got the last one. One that computes, or waits in a
    /// call that lets nothing else run, gets no more.
    waits: Arc<AtomicBool>,
}

/// A request for a worker.
#[derive(Debug)]
struct Job {
    request: http::Request<WasiBody>,
    scheme: Scheme,
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    deadline: Deadline,
    done: oneshot::Sender<()>,
    admission: Admission,
}

/// What a request knows of its worker.
struct Ticket {
    responder: Arc<Responder>,
    number: u64,
    deadline: Deadline,
    ended: watch::Receiver<Option<Failure>>,
    is_done: bool,
}

impl Workers {
    pub(super) fn new(reuse: Reuse, at_most: usize) -> Self {
        let room = Arc::new(Semaphore::new(at_most));
        Self { reuse, seats: Mutex::default(), room }
    }

    /// Lets all workers end when they are done.
    pub(super) fn close(&self) {
        self.seats().open.clear();
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the job to a worker that can take it, of one thread or of any; the job comes back if
    /// there is none.
    fn give(
        &self,
        job: Box<Job>,
        thread: Option<ThreadId>,
    ) -> Result<(u64, watch::Receiver<Option<Failure>>), Box<Job>> {
        let mut seats = self.seats();
        let can_take = |seat: &Seat| {
            let has_room = seat.running < self.reuse.concurrent && seat.waits.load(Relaxed);
            thread.is_none_or(|thread| seat.thread == thread) && (seat.running == 0 || has_room)
        };
        let Some(index) = seats.open.iter().rposition(can_take) else { return Err(job) };
        let mut seat = seats.open.remove(index);
        seat.jobs.send(job).map_err(|unsent| unsent.0)?;
        seat.waits.store(false, Relaxed);
        seat.taken += 1;
        seat.running += 1;
        let given = (seat.number, seat.ended.clone());
        if seat.taken < self.reuse.requests {
            seats.open.push(seat);
        }
        Ok(given)
    }

    /// Starts a worker with its first job.
    fn start(
        &self,
        responder: &Arc<Responder>,
        job: Box<Job>,
        room: OwnedSemaphorePermit,
    ) -> (u64, watch::Receiver<Option<Failure>>) {
        let (jobs, queue) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(None);
        let waits = Arc::new(AtomicBool::new(false));
        let pulse = Pulse { is_busy: true, until: job.deadline.at(), polls_again: false };
        let mut seats = self.seats();
        let number = seats.next;
        seats.next += 1;
        // The receiver is there, so that the job is not lost.
        let _ = jobs.send(job);
        let worker = Worker { number, queue, waits: Arc::clone(&waits), pulse: Mutex::new(pulse) };
        seats.open.push(Seat {
            number,
            thread: thread::current().id(),
            jobs,
            ended: ended.clone(),
            taken: 1,
            running: 1,
            waits,
        });
        drop(seats);
        responder.tasks.spawn(work(Arc::clone(responder), worker, end, room));
        (number, ended)
    }

    /// A worker has ended before it began with the job, which another gets. Where there is no room for
    /// one, the request ends as those that the worker had begun.
    fn hand_on(&self, responder: &Arc<Responder>, job: Box<Job>) {
        if let Err(job) = self.give(job, None)
            && let Ok(room) = Arc::clone(&self.room).try_acquire_owned()
        {
            self.start(responder, job, room);
        }
    }

    /// A worker is done with one of its requests.
    fn done(&self, number: u64) {
        if let Some(seat) = self.seats().open.iter_mut().find(|seat| seat.number == number) {
            seat.running -= 1;
        }
    }

    /// No request is given to the worker any more.
    fn retire(&self, number: u64) {
        self.seats().open.retain(|seat| seat.number != number);
    }

    /// The same, unless it just got one.
    fn leave(&self, number: u64) -> bool {
        let mut seats = self.seats();
        let is_busy = |seat: &Seat| seat.number == number && seat.running > 0;
        if seats.open.iter().any(is_busy) {
            return false;
        }
        seats.open.retain(|seat| seat.number != number);
        true
    }
}

/// Has a worker of the unit answer the request, and watches it until it has.
pub(super) async fn drive(
    responder: Arc<Responder>,
    (request, scheme): (http::Request<WasiBody>, Scheme),
    answer: oneshot::Sender<Answer>,
    body_sent: oneshot::Receiver<()>,
    admission: Admission,
    deadline: Deadline,
) -> Result<(), Broken> {
    let (given, mut answered) = oneshot::channel();
    let (done, mut finished) = oneshot::channel();
    // Without any, this code is not reached.
    let Some(workers) = &responder.workers else { return Ok(()) };
    let job =
        Box::new(Job { request, scheme, answer: given, body_sent, deadline, done, admission });
    let (number, ended) = match workers.give(job, Some(thread::current().id())) {
        Ok(given) => given,
        Err(job) => match Arc::clone(&workers.room).try_acquire_owned() {
            Ok(room) => workers.start(&responder, job, room),
            Err(_) => match workers.give(job, None) {
                Ok(given) => given,
                // All have been given their last request, and are about to end.
                Err(job) => match Arc::clone(&workers.room).acquire_owned().await {
                    Ok(room) => workers.start(&responder, job, room),
                    // It is never closed.
                    Err(_) => return Ok(()),
                },
            },
        },
    };
    let mut ticket =
        Ticket { responder: Arc::clone(&responder), number, deadline, ended, is_done: false };
    let is_done = tokio::select! {
        biased;
        answered = &mut answered => {
            if let Ok(answered) = answered {
                let _ = answer.send(answered);
            }
            finished.await
        }
        // Before an answer, or just when it had been given.
        finished = &mut finished => {
            if let Ok(answered) = answered.try_recv() {
                let _ = answer.send(answered);
            }
            finished
        }
    };
    ticket.is_done = true;
    if is_done.is_ok() {
        return Ok(());
    }
    match ticket.ended.wait_for(Option::is_some).await.map(|failure| (*failure).clone()) {
        // The worker keeps its store until nobody watches it any more.
        Ok(Some(failure)) => Err(Broken { failure, remains: Box::new(ticket) }),
        _ => Ok(()),
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // A worker that does not respond in time must not keep other requests waiting.
        if !self.is_done
            && self.deadline.has_passed()
            && let Some(workers) = &self.responder.workers
        {
            workers.retire(self.number);
        }
    }
}

/// An instance that answers several requests.
struct Worker {
    number: u64,
    queue: mpsc::UnboundedReceiver<Box<Job>>,
    waits: Arc<AtomicBool>,
    pulse: Mutex<Pulse>,
}

impl Worker {
    /// Until when it may be busy, or idle.
    fn until(&self) -> Instant {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner).until
    }
}

/// What the future that runs an instance, and the one around it, tell each other. The inner one is
/// not polled while the instance computes, so that the time is kept outside.
struct Pulse {
    is_busy: bool,
    /// Until when it may be busy, or idle.
    until: Instant,
    /// Whether the inner one is to be polled once more, to see if it waits.
    polls_again: bool,
}

async fn work(
    responder: Arc<Responder>,
    mut worker: Worker,
    end: watch::Sender<Option<Failure>>,
    _room: OwnedSemaphorePermit,
) {
    // Without one, none is started.
    let Some(workers) = &responder.workers else { return };
    // It has its first request, which may not have the time that it takes to get a place.
    let time = Deadline::at_most(worker.until(), responder.plan.limit.time);
    let mut store = match responder.store(time).await {
        Ok(store) => store,
        Err(failure) => {
            workers.retire(worker.number);
            // Whoever waits for it reports why.
            let _ = end.send(Some(failure));
            return;
        }
    };
    let ended = live(&responder, workers, &mut store, &mut worker).await;
    workers.retire(worker.number);
    let until = worker.pulse.into_inner().unwrap_or_else(PoisonError::into_inner).until;
    worker.queue.close();
    while let Ok(job) = worker.queue.try_recv() {
        workers.hand_on(&responder, job);
    }
    drop(worker.queue);
    let Err(failure) = ended else { return };
    if end.send(Some(failure.clone())).is_err() {
        responder.log(&failure);
    }
    // With the store would go what it had not finished, and a body that is gone looks like one that
    // has ended.
    let _ = timeout_at(until, end.closed()).await;
}

async fn live(
    responder: &Responder,
    workers: &Workers,
    store: &mut Store<State>,
    worker: &mut Worker,
) -> Result<(), Failure> {
    let Worker { number, queue, waits, pulse } = worker;
    let pulse = &*pulse;
    let lock = || pulse.lock().unwrap_or_else(PoisonError::into_inner);
    let mut pace = Pace::default();
    let ended = {
        let mut life = pin!(async {
            let instance = responder.make(store).await?;
            let desk = Desk { workers, number: *number, waits, pulse };
            match &instance {
                Instance::Wasi0_2(made) => desk.serve_in_turn(store, &made.proxy, queue).await,
                Instance::Wasi0_3(service) => {
                    let serve = async |accessor: &Accessor<State>| {
                        desk.serve(accessor, service, queue).await
                    };
                    store.run_concurrent(serve).await?
                }
            }
        });
        let mut sleep = pin!(sleep_until(lock().until));
        poll_fn(|context| {
            let mut ended = pace.measure(&responder.plan.usage, || life.as_mut().poll(context));
            if ended.is_pending() && std::mem::take(&mut lock().polls_again) {
                ended = pace.measure(&responder.plan.usage, || life.as_mut().poll(context));
            }
            if let Poll::Ready(ended) = ended {
                return Poll::Ready(Ok(ended));
            }
            let Pulse { is_busy, until, .. } = *lock();
            if !is_busy {
                pace = Pace::default();
            }
            if sleep.deadline() != until {
                sleep.as_mut().reset(until);
            }
            ready!(sleep.as_mut().poll(context));
            if is_busy {
                Poll::Ready(Err(Failure::TimedOut(responder.plan.limit.time)))
            } else if workers.leave(*number) {
                Poll::Ready(Ok(Ok(())))
            } else {
                Poll::Pending
            }
        })
        .await?
    };
    ended.map_err(|error| failure(store, &error))
}

/// Where an instance takes its requests.
struct Desk<'a> {
    workers: &'a Workers,
    number: u64,
    waits: &'a AtomicBool,
    pulse: &'a Mutex<Pulse>,
}

impl Desk<'_> {
    /// One request after the other. Such an instance has no other tasks.
    async fn serve_in_turn(
        &self,
        store: &mut Store<State>,
        proxy: &Proxy,
        queue: &mut mpsc::UnboundedReceiver<Box<Job>>,
    ) -> wasmtime::Result<()> {
        while let Some(job) = queue.recv().await {
            self.begin(store.data_mut(), 1, job.deadline.at());
            let Job { request, scheme, answer, done, admission, .. } = *job;
            answer_0_2(store, proxy, (request, scheme), answer).await?;
            // The waiter may have gone.
            let _ = done.send(());
            self.idle();
            self.workers.done(self.number);
            drop(admission);
        }
        Ok(())
    }

    /// As many requests at once as it may answer.
    async fn serve(
        &self,
        accessor: &Accessor<State>,
        service: &Service,
        queue: &mut mpsc::UnboundedReceiver<Box<Job>>,
    ) -> wasmtime::Result<()> {
        let concurrent = self.workers.reuse.concurrent;
        let mut calls = FuturesUnordered::new();
        // Since it was idle.
        let mut begun = 0;
        // A request's place among those that may run is given away only when its worker can be had.
        let mut held = None;
        poll_fn(|context| {
            loop {
                if let Poll::Ready(Some(ended)) = calls.poll_next_unpin(context) {
                    held = Some(ended?);
                    if concurrent > 1 {
                        self.workers.done(self.number);
                        held = None;
                    }
                    continue;
                }
                let is_idle = calls.is_empty() && is_at_rest(accessor, context);
                if is_idle && begun > 0 {
                    begun = 0;
                    self.idle();
                    if concurrent == 1 {
                        self.workers.done(self.number);
                        held = None;
                    }
                }
                let takes = is_idle || (concurrent > 1 && calls.len() < concurrent);
                if !takes {
                    return Poll::Pending;
                }
                match queue.poll_recv(context) {
                    Poll::Ready(Some(job)) => {
                        begun += 1;
                        let deadline = job.deadline.at();
                        accessor.with(|mut store| self.begin(store.get(), begun, deadline));
                        calls.push(answer(accessor, service, job));
                    }
                    Poll::Ready(None) if is_idle => return Poll::Ready(Ok(())),
                    Poll::Ready(None) | Poll::Pending => {
                        self.settle();
                        return Poll::Pending;
                    }
                }
            }
        })
        .await
    }

    /// The instance gets a request, the `begun`th since it was idle.
    fn begin(&self, state: &mut State, begun: u32, deadline: Instant) {
        state.meter.allow(begun);
        self.waits.store(false, Relaxed);
        let mut pulse = self.lock();
        let until = if pulse.is_busy { pulse.until.max(deadline) } else { deadline };
        *pulse = Pulse { is_busy: true, until, polls_again: true };
    }

    fn idle(&self) {
        let until = Instant::now() + self.workers.reuse.idle;
        *self.lock() = Pulse { is_busy: false, until, polls_again: false };
    }

    /// Nothing is left to do now. If that is so when the calls too have been polled which it got
    /// last, all of them wait.
    fn settle(&self) {
        if !self.lock().polls_again {
            self.waits.store(true, Relaxed);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pulse> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    accessor: &Accessor<State>,
    service: &Service,
    job: Box<Job>,
) -> wasmtime::Result<Admission> {
    let Job { request, scheme, answer, body_sent, done, admission, .. } = *job;
    answer_0_3(accessor, service, (request, scheme), answer, body_sent).await?;
    // The waiter may have gone.
    let _ = done.send(());
    Ok(admission)
}

/// Whether no task of the instance is running, also of those that have returned.
fn is_at_rest(accessor: &Accessor<State>, context: &mut Context<'_>) -> bool {
    accessor.poll_no_interesting_tasks(context).is_ready()
}
