using AirMLNet.Layers;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.FineTuning;

/// <summary>Texts of rows as token ids.</summary>
/// <param name="Ids">[N, L].</param>
/// <param name="Present">Whether a row has a text; those without one weigh 0.</param>
internal sealed record TextRows(long[] Ids, bool[] Present);

/// <summary>Where a row's group text comes from.</summary>
public enum GroupTextSource
{
    /// <summary>That of a random image with the same zero-shot label, drawn anew every epoch: the published code.</summary>
    SameClass,

    /// <summary>The row's own: the paper.</summary>
    Own,
}

/// <summary>
/// LatteCLIP: L = L_con(f, t̄ of the zero-shot label) + L_con(f, t̄ of the current label) (Eq. 3), with the labels of the current
/// prototypes taken anew in every step.
/// </summary>
internal sealed class LatteObjective : IFineTuneObjective, IDisposable
{
    private const int GroupStream = 23;
    private readonly MixerRule _rule;
    private readonly int[] _zeroShot;
    private readonly TextRows? _imageTexts,
        _groupTexts;
    private readonly Tensor _classIds; // [C, L]
    private readonly GroupTextSource _groups;
    private readonly int _seed,
        _length;
    private readonly int[][] _members; // rows of each zero-shot class that have a group text
    private int[] _groupOf = []; // whose group text a row gets in this epoch
    private Batch? _batch;

    /// <param name="initial">[C, D], the prototypes to begin with.</param>
    /// <param name="classIds">[C, L] int64, the class templates.</param>
    /// <param name="zeroShot">N classes.</param>
    /// <param name="imageTexts">Of the N rows; null for none.</param>
    /// <param name="groupTexts">Of the N rows; null for none.</param>
    /// <param name="rule">How texts are mixed.</param>
    /// <param name="groups">Whose group text a row gets.</param>
    /// <param name="seed">Draws group texts.</param>
    public LatteObjective(
        Tensor initial,
        Tensor classIds,
        int[] zeroShot,
        TextRows? imageTexts,
        TextRows? groupTexts,
        MixerRule rule,
        GroupTextSource groups,
        int seed
    )
    {
        (_rule, _zeroShot, _groups, _seed) = (rule, zeroShot, groups, seed);
        _imageTexts = rule.ImageText ? imageTexts : null;
        _groupTexts = rule.GroupText ? groupTexts : null;
        if (_imageTexts is null && _groupTexts is null && !rule.ClassText)
        {
            throw new ArgumentException("No text is left to mix: of image, group and class text one must be used.", nameof(rule));
        }

        _classIds = classIds.detach().clone().DetachFromDisposeScope();
        _length = (int)classIds.size(1);
        Bank = new PrototypeBank(initial);
        _members =
        [
            .. Enumerable
                .Range(0, (int)initial.size(0))
                .Select(c =>
                    Enumerable.Range(0, zeroShot.Length).Where(i => zeroShot[i] == c && _groupTexts?.Present[i] == true).ToArray()
                ),
        ];
        State = new Dictionary<string, Tensor> { ["prototypes"] = Bank.Prototypes, ["prototypes_of_epoch"] = Bank.Snapshot };
    }

    public PrototypeBank Bank { get; }

    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>The last batch's mixed features, losses and labels.</summary>
    public LatteTerms? Last { get; private set; }

    public void BeginEpoch(int epoch, bool resumed)
    {
        if (!resumed)
        {
            Bank.BeginEpoch();
        }

        if (_groupTexts is null)
        {
            return;
        }

        var random = SeededRandom.Create(_seed, GroupStream, epoch);
        _groupOf = new int[_zeroShot.Length];
        for (var i = 0; i < _groupOf.Length; i++)
        {
            var members = _members[_zeroShot[i]];
            _groupOf[i] = _groups == GroupTextSource.Own || members.Length == 0 ? i : members[random.Next(members.Length)];
        }
    }

    public Tensor Texts(ClipTowers towers, Tensor images, long[] rows)
    {
        if (_groupTexts is not null && _groupOf.Length == 0)
        {
            throw new InvalidOperationException("No epoch was begun.");
        }

        using var scope = NewDisposeScope();
        var device = images.device;
        var zeroShot = tensor(rows.Select(r => (long)_zeroShot[r]).ToArray(), device: device);
        var current = Bank.Classify(images);
        List<Tensor> ids = [];
        Tensor? hasImage = null,
            hasGroup = null,
            classes = null;
        if (_imageTexts is { } own)
        {
            (var some, hasImage) = Take(own, rows, device);
            ids.Add(some);
        }

        if (_groupTexts is { } group)
        {
            (var some, hasGroup) = Take(group, [.. rows.Select(r => (long)_groupOf[r])], device);
            ids.Add(some);
        }

        if (_rule.ClassText)
        {
            // Each class of the batch is encoded once; both branches look it up.
            var (used, places, _) = cat([current, zeroShot]).unique(sorted: true, return_inverse: true);
            classes = places!;
            ids.Add(_classIds.index_select(0, used));
        }

        _batch?.Dispose();
        _batch = new Batch(zeroShot, current, hasImage, hasGroup, classes, rows.Length).Detached();
        return cat(ids).MoveToOuterDisposeScope();
    }

    public Tensor Loss(Tensor images, Tensor texts, Tensor scale)
    {
        var batch = _batch ?? throw new InvalidOperationException("The batch's texts were not asked for.");
        using var scope = NewDisposeScope();
        var at = 0L;
        Tensor? Next(bool there)
        {
            var part = there ? texts.narrow(0, at, batch.Count) : null;
            at += there ? batch.Count : 0;
            return part;
        }

        var image = Next(_imageTexts is not null);
        var group = Next(_groupTexts is not null);
        Tensor? current = null,
            zeroShot = null;
        if (batch.Classes is { } places)
        {
            var features = texts.narrow(0, at, texts.size(0) - at);
            current = features.index_select(0, places.narrow(0, 0, batch.Count));
            zeroShot = features.index_select(0, places.narrow(0, batch.Count, batch.Count));
        }

        var terms = LatteTerms.Of(
            images,
            new LatteTexts(image, group, current, zeroShot) { HasImage = batch.HasImage, HasGroup = batch.HasGroup },
            Bank,
            batch.Current,
            batch.ZeroShot,
            scale,
            _rule
        );
        Last?.Dispose();
        Last = terms.Kept(batch.Current, batch.ZeroShot);
        return terms.Total(_rule).MoveToOuterDisposeScope();
    }

    public void AfterBackward()
    {
        var last = Last ?? throw new InvalidOperationException("There was no loss.");
        Bank.Update(_rule, (last.ZeroShotLabels, last.Mix.ZeroShot), (last.CurrentLabels, last.Mix.Current));
    }

    public void Dispose()
    {
        _batch?.Dispose();
        Last?.Dispose();
        _classIds.Dispose();
        Bank.Dispose();
    }

    private (Tensor Ids, Tensor Has) Take(TextRows texts, long[] rows, Device device)
    {
        var ids = new long[rows.Length * _length];
        var has = new float[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            texts.Ids.AsSpan((int)rows[i] * _length, _length).CopyTo(ids.AsSpan(i * _length));
            has[i] = texts.Present[rows[i]] ? 1 : 0;
        }
        return (tensor(ids, [rows.Length, _length], device: device), Tensors.Of(has, [rows.Length], device));
    }

    /// <summary>What the loss of the batch will need; lives until the next one.</summary>
    private sealed record Batch(Tensor ZeroShot, Tensor Current, Tensor? HasImage, Tensor? HasGroup, Tensor? Classes, int Count)
        : IDisposable
    {
        public Batch Detached()
        {
            foreach (var tensor in All)
            {
                tensor?.DetachFromDisposeScope();
            }
            return this;
        }

        public void Dispose()
        {
            foreach (var tensor in All)
            {
                tensor?.Dispose();
            }
        }

        private Tensor?[] All => [ZeroShot, Current, HasImage, HasGroup, Classes];
    }
}
