use galerra_storage::View;

/// The views that SQL stores offer to operators.
#[must_use]
pub fn views() -> Vec<View> {
    vec![
        View {
            name: "galleries",
            pattern: "acc\\_%/gallery/gal\\_%",
            columns: &[
                ("id", "id"),
                ("owner", "owner"),
                ("title", "title"),
                ("visibility", "visibility.kind"),
                ("state", "life.state"),
                ("epoch", "epoch"),
                ("created", "created"),
            ],
        },
        View {
            name: "images",
            pattern: "acc\\_%/image/gal\\_%/img\\_%",
            columns: &[
                ("id", "id"),
                ("owner", "owner"),
                ("gallery", "gallery"),
                ("title", "title"),
                ("width", "width"),
                ("height", "height"),
                ("bytes", "original.bytes"),
                ("state", "life.state"),
                ("created", "created"),
            ],
        },
        View {
            name: "erasures",
            pattern: "erasure/era\\_%",
            columns: &[
                ("id", "id"),
                ("subject", "subject.kind"),
                ("state", "stage"),
                ("lane", "lane"),
                ("accepted", "accepted"),
                ("due", "due"),
                ("breached", "breached"),
                ("done", "done"),
            ],
        },
        View {
            name: "events",
            pattern: "event/%",
            columns: &[("id", "id"), ("at", "at"), ("event", "event"), ("erasure", "erasure")],
        },
    ]
}
