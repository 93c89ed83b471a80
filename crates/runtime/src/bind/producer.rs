//! A host's stream as a component model stream, and its outcome as a future.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::{StreamExt, stream::BoxStream};
use tokio::sync::oneshot;
use wasmtime::{
    AsContextMut, StoreContextMut,
    component::{
        Destination, FutureReader, Lift, Lower, StreamProducer, StreamReader, StreamResult,
        VecBuffer,
    },
};

/// How many items are passed on at once to a reader that does not say how many.
const ITEMS: usize = 64;

/// What a component reads: items, and then how they ended.
pub(super) type Ends<T, E> = (StreamReader<T>, FutureReader<Result<(), E>>);

/// The two ends of `items` that a component reads: the items, and how they ended.
pub(super) fn hand_on<T, E>(
    mut store: impl AsContextMut,
    items: BoxStream<'static, Result<T, E>>,
) -> wasmtime::Result<Ends<T, E>>
where
    T: Lift + Lower + Send + Sync + 'static,
    E: Lift + Lower + Send + Sync + 'static,
{
    let (end, ended) = oneshot::channel();
    let stream = StreamReader::new(&mut store, Items { items, end: Some(end) })?;
    // One that is dropped before its end did not fail.
    let ended = async move { Ok::<_, wasmtime::Error>(ended.await.unwrap_or(Ok(()))) };
    let future = FutureReader::new(&mut store, Box::pin(ended))?;
    Ok((stream, future))
}

struct Items<T, E> {
    items: BoxStream<'static, Result<T, E>>,
    end: Option<oneshot::Sender<Result<(), E>>>,
}

impl<T, E> Items<T, E> {
    fn end(&mut self, outcome: Result<(), E>) {
        if let Some(end) = self.end.take() {
            // The component may not want to know.
            let _ = end.send(outcome);
        }
    }
}

impl<T, E, D> StreamProducer<D> for Items<T, E>
where
    T: Send + Sync + 'static,
    E: Send + 'static,
{
    type Item = T;
    type Buffer = VecBuffer<T>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, T, VecBuffer<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let room = destination.remaining(&mut store).unwrap_or(ITEMS);
        if room == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let mut taken = Vec::new();
        let result = loop {
            if taken.len() == room.min(ITEMS) {
                break StreamResult::Completed;
            }
            match self.items.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(item))) => taken.push(item),
                Poll::Ready(Some(Err(error))) => {
                    self.end(Err(error));
                    break StreamResult::Dropped;
                }
                Poll::Ready(None) => {
                    self.end(Ok(()));
                    break StreamResult::Dropped;
                }
                Poll::Pending if !taken.is_empty() => break StreamResult::Completed,
                Poll::Pending if finish => break StreamResult::Cancelled,
                Poll::Pending => return Poll::Pending,
            }
        };
        if !taken.is_empty() {
            destination.set_buffer(taken.into());
        }
        Poll::Ready(Ok(result))
    }
}
