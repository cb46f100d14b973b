using AirMLNet.Clip;
using AirMLNet.FineTuning;
using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Recipes;
using AirMLNet.Testing;
using Microsoft.ML;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Pipeline;

/// <summary>
/// Whoever cancels waits for what is begun, and for no more. Time says nothing on a busy machine: these tests count what is still done
/// after a token was cancelled.
/// </summary>
[TestClass]
[DoNotParallelize] // listens to the text encoders of the whole process
public sealed class CancellationTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    [DataRow("fpl")]
    [DataRow("ifpl")]
    [DataRow("prototypes")]
    [DataRow("flyp-pl")]
    public void AfterAnyReport_AtMostTheStepThatRunsIsFinished(string method)
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 6);
        List<string> all = [];
        Fit(method, photos, all.Add, default);
        Assert.IsNotEmpty(all);

        foreach (var at in new[] { 1, (all.Count + 1) / 2, all.Count }.Distinct())
        {
            using var source = new CancellationTokenSource();
            List<string> after = [];
            var seen = 0;
            void Count(string report)
            {
                if (source.IsCancellationRequested)
                {
                    after.Add(report);
                }
                if (++seen == at)
                {
                    source.Cancel();
                }
            }

            var ended = true;
            try
            {
                Fit(method, photos, Count, source.Token);
                ended = false;
            }
            catch (OperationCanceledException) { }

            // After the last report there may be nothing left to end.
            Assert.IsTrue(ended || at == all.Count, $"{method} went on after report {at} of {all.Count}, '{all[at - 1]}'");
            Assert.IsEmpty(
                after,
                $"{method}, cancelled at report {at} of {all.Count}, '{all[at - 1]}', still did {string.Join(", ", after)}"
            );
        }
    }

    [TestMethod]
    [DataRow("zero-shot")]
    [DataRow("fpl")]
    [DataRow("prototypes")]
    [DataRow("flyp-pl")]
    public void ATokenThatIsCancelledBefore_LeavesNothingToDo(string method)
    {
        var photos = TinyData.Images(_folder["photos"], perClass: 2);
        List<string> reports = [];

        Assert.Throws<OperationCanceledException>(() => Fit(method, photos, reports.Add, new CancellationToken(canceled: true)));

        Assert.IsEmpty(reports);
    }

    [TestMethod]
    public void TextsOfClasses_EndAtTheBatchThatRuns_AndAreEncodedWhenAskedAgain()
    {
        var backbone = ClipBackbone.Acquire(TinyClip.Create(_folder["clip"]));
        try
        {
            using var source = new CancellationTokenSource();
            var most = ClipBatchSize.Texts(backbone);
            var texts = new CountedTexts(4 * most, read => CancelAt(source, read, most + 1));
            Assert.Throws<OperationCanceledException>(() => backbone.EncodeTexts(texts, source.Token));
            Assert.AreEqual(2 * most, texts.Read, "the batch that was begun, and no other");

            string[] names = ["red", "green"];
            Assert.Throws<OperationCanceledException>(() => TextHead.Of(backbone, names, ["a {}."], source.Token));
            Assert.AreEqual(2, TextHead.Of(backbone, names, ["a {}."]).Classes);
        }
        finally
        {
            backbone.Release();
        }
    }

    [TestMethod]
    public void WhoeverWaitsForTextsThatAnotherCancelled_GetsThem()
    {
        var folder = TinyClip.Create(_folder["clip"]);
        var backbone = ClipBackbone.Acquire(folder);
        using var begun = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        using var source = new CancellationTokenSource();
        var encodings = 0;
        TextHead.Encoding = where =>
        {
            if (where == Path.GetFullPath(folder) && Interlocked.Increment(ref encodings) == 1)
            {
                begun.Set();
                go.Wait();
            }
        };
        try
        {
            string[] names = ["red", "blue"];
            var first = Task.Run(() => TextHead.Of(backbone, names, ["{}"], source.Token));
            begun.Wait();
            var second = Task.Run(() => TextHead.Of(backbone, names, ["{}"]));
            source.Cancel();
            go.Set();

            Assert.Throws<OperationCanceledException>(() => first.GetAwaiter().GetResult());
            Assert.AreEqual(2, second.GetAwaiter().GetResult().Classes);
            Assert.AreEqual(2, encodings);
        }
        finally
        {
            TextHead.Encoding = null;
            backbone.Release();
        }
    }

    [TestMethod]
    public void ALargeStepOfFineTuning_EndsAtItsChunk()
    {
        using var scope = NewDisposeScope();
        using var source = new CancellationTokenSource();
        var encoded = 0L;
        Tensor Count(Tensor inputs)
        {
            encoded += inputs.size(0);
            source.Cancel();
            return inputs.flatten(1).to_type(ScalarType.Float32);
        }

        var towers = new ClipTowers(Count, Count, zeros(1));
        Assert.Throws<OperationCanceledException>(() =>
            FineTuneStep.Backward(
                towers,
                ones(12, 4),
                [.. Enumerable.Range(0, 12).Select(i => (long)i)],
                new NoObjective(),
                chunk: 3,
                beforeChunk: source.Token.ThrowIfCancellationRequested
            )
        );

        Assert.AreEqual(3, encoded);
    }

    private void Fit(string method, string photos, Action<string> report, CancellationToken cancellation)
    {
        var recipe = Recipe.Named(method);
        var task = new AdaptationTask
        {
            ClipFolder = TinyModels.Clip,
            ClassNames = TinyData.ClassNames,
            WorkFolder = _folder[Guid.NewGuid().ToString()],
            Progress = new DirectProgress(p => report($"{p.Source}: {p.Activity} {p.Done}")),
            CancellationToken = cancellation,
        };
        var ml = new MLContext(seed: 1);
        var fitted = recipe.WithEpochs(3).Stages(ml, task).Fit(ml.Data.LoadFromImageFolder(photos));
        ((fitted as Microsoft.ML.Data.TransformerChain<ITransformer>)?.LastTransformer as IDisposable)?.Dispose();
    }

    private static void CancelAt(CancellationTokenSource source, int read, int at)
    {
        if (read == at)
        {
            source.Cancel();
        }
    }

    private sealed class CountedTexts(int count, Action<int> read) : IReadOnlyList<string>
    {
        public int Read { get; private set; }

        public int Count => count;

        public string this[int index]
        {
            get
            {
                read(++Read);
                return "red";
            }
        }

        public IEnumerator<string> GetEnumerator() => Enumerable.Range(0, count).Select(i => this[i]).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class NoObjective : IFineTuneObjective
    {
        public IReadOnlyDictionary<string, Tensor> State { get; } = new Dictionary<string, Tensor>();

        public void BeginEpoch(int epoch, bool resumed) { }

        public Tensor Texts(ClipTowers towers, Tensor images, long[] rows) => images;

        public Tensor Loss(Tensor images, Tensor texts, Tensor scale) => images.sum();

        public void AfterBackward() { }
    }
}
