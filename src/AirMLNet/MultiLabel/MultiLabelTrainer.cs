using AirMLNet.Clip;
using AirMLNet.Optimisation;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.MultiLabel;

/// <summary>One thing to learn from: a caption, images of it, or both, with their labels.</summary>
/// <param name="Labels">[C]: 1, 0, NaN.</param>
/// <param name="Text">Row of its caption; −1 for none.</param>
/// <param name="Images">Rows of its images; one of them is drawn in each epoch.</param>
internal sealed record MultiLabelItem(float[] Labels, int Text, IReadOnlyList<int> Images);

/// <summary>What a fit learns from.</summary>
/// <param name="Items">At least one.</param>
/// <param name="Texts">Features of captions; null without.</param>
/// <param name="Images">Features of images; null without.</param>
internal sealed record MultiLabelTrainingSet(IReadOnlyList<MultiLabelItem> Items, IDenseRows? Texts, IDenseRows? Images);

/// <summary>
/// Trains prompts, adapter and factors by SGD on features that never change (<c>docs/methods.md</c> §6.3 and §6.5). A batch is of items;
/// each
/// gives its caption to one branch and one of its images to the other. Free of ML.NET.
/// </summary>
/// <param name="clip">The frozen model.</param>
/// <param name="options">What is learned, and how.</param>
/// <param name="seed">Draws starts, orders and images.</param>
internal sealed class MultiLabelTrainer(ClipBackbone clip, MultiLabelPromptAdapterOptions options, int seed)
{
    private const double StandardDeviation = 0.02;

    // DualCoOp's own ε.
    private static readonly AsymmetricLossSettings DualLoss = new(Epsilon: 1e-6);

    /// <summary>Called before each step: the place to stop at.</summary>
    public Action? BeforeStep { get; init; }

    /// <summary>Called with the epoch, from 1, and its mean loss.</summary>
    public Action<int, double>? AfterEpoch { get; init; }

    private readonly GlobalLocalRule _rule = options.Rule();

    /// <summary>Trains.</summary>
    /// <exception cref="TrainingDivergedException">The loss is not finite; the message names the epoch and step.</exception>
    public MultiLabelState Train(MultiLabelTrainingSet set)
    {
        using var scope = NewDisposeScope();
        using var prompts = ContextPrompts.Of(clip, options.ClassNames, options.PromptLength);
        using var generator = new Generator((ulong)seed);
        Parameter New() => new(prompts.NewContext(generator, StandardDeviation, options.ClassSpecific));
        Parameter first = New(),
            second = New();
        var adapter = options.HasAdapter ? new Parameter(StartOfAdapter(generator)) : null;
        var alpha = new Parameter(
            tensor((float)options.AdapterWeight, device: clip.Device),
            options.LearnAdapterWeight && adapter is not null
        );
        var attention = new Parameter(ones(options.ClassNames.Count, device: clip.Device), options.LearnAttention);
        using var optimizer = Optimizer(first, second, adapter, alpha, attention);
        var random = new Random(seed);
        int[] order = [.. Enumerable.Range(0, set.Items.Count)];
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            random.Shuffle(order);
            SetRates(optimizer, epoch);
            double sum = 0;
            var steps = 0;
            for (var start = 0; start < order.Length; start += options.BatchSize)
            {
                BeforeStep?.Invoke();
                using var step = NewDisposeScope();
                optimizer.zero_grad();
                MultiLabelItem[] items = [.. order.Skip(start).Take(options.BatchSize).Select(i => set.Items[i])];
                var side = new ClassSide(
                    prompts.ClassFeatures(first),
                    options.Prompt == MultiLabelPrompt.Global ? prompts.ClassFeatures(first) : prompts.ClassFeatures(second),
                    adapter,
                    alpha,
                    options.LearnAttention ? attention : null
                );
                if (Loss(set, items, side, random) is not { } loss)
                {
                    continue; // a batch of templates alone, with no image in it
                }
                steps++;
                double number = loss.item<float>();
                if (!double.IsFinite(number))
                {
                    throw new TrainingDivergedException(
                        $"The loss is {number} in epoch {epoch + 1}, step {steps}. A lower LearningRate or AdapterLearningRate may help."
                    );
                }
                sum += number;
                loss.backward();
                optimizer.step();
            }
            AfterEpoch?.Invoke(epoch + 1, sum / Math.Max(1, steps));
        }
        return State(prompts, (first, second), adapter, alpha, attention);
    }

    private Tensor StartOfAdapter(Generator generator)
    {
        using var off = no_grad();
        long[] shape = [options.ClassNames.Count, clip.FeatureDimension];
        return options.AdapterStart == AdapterStart.Noise
            ? randn(shape, generator: generator).mul(StandardDeviation).to(clip.Device)
            : Layers.Tensors.Of(
                Heads.TextHead.Of(clip, options.ClassNames, options.Templates, options.CancellationToken).Weights,
                shape,
                clip.Device
            );
    }

    private optim.Optimizer Optimizer(Parameter first, Parameter second, Parameter? adapter, Parameter alpha, Parameter attention)
    {
        // An adapter and factors that are not learned are left out: weight decay would move them.
        Parameter[] rest =
        [
            .. adapter is null ? [] : new[] { adapter },
            .. alpha.requires_grad ? new[] { alpha } : [],
            .. attention.requires_grad ? new[] { attention } : [],
        ];
        SGD.ParamGroup[] groups =
        [
            new() { Parameters = options.Prompt == MultiLabelPrompt.Global ? [first] : [first, second] },
            .. rest.Length == 0 ? [] : new[] { new SGD.ParamGroup { Parameters = rest } },
        ];
        return optim.SGD(groups, options.LearningRate, options.Momentum, weight_decay: options.WeightDecay);
    }

    private void SetRates(optim.Optimizer optimizer, int epoch)
    {
        foreach (var (group, peak) in optimizer.ParamGroups.Zip([options.LearningRate, options.AdapterLearningRate]))
        {
            group.LearningRate = LearningRateSchedule.Dassl(peak, epoch, options.Epochs, options.WarmUpLength, options.WarmUpLearningRate);
        }
    }

    private Tensor? Loss(MultiLabelTrainingSet set, MultiLabelItem[] items, ClassSide side, Random random)
    {
        var (images, imageLabels) = Batch(
            set.Images,
            // Drawn also where there is one image only: the draws do not depend on how many there are.
            items.Select(item =>
                (Row: random.Next() is var draw && item.Images.Count > 0 ? item.Images[draw % item.Images.Count] : -1, item)
            ),
            masked: false
        );
        if (options.Prompt == MultiLabelPrompt.Dual)
        {
            if (images is null)
            {
                return null;
            }
            var p = MultiLabelLosses.PositiveProbability(DualCoOpScores.Of(images.Local, side.Global, side.Local).Logits);
            return MultiLabelLosses.Asymmetric(p, imageLabels!, DualLoss).sum();
        }

        var (texts, textLabels) = Batch(set.Texts, items.Select(item => (Row: item.Text, item)), masked: true);
        // A batch may have none of one kind: the other then stands for itself.
        var lambda =
            images is null ? 0
            : texts is null ? 1
            : options.ImageWeight;
        if (images is null && texts is null)
        {
            return null;
        }
        var loss = GlobalLocalLoss.Of(Scores(images, imageLabels), Scores(texts, textLabels), lambda, _rule);
        return options.Prompt == MultiLabelPrompt.GlobalLocal ? loss.Total
            : images is null ? loss.TextGlobal
            : texts is null ? loss.ImageGlobal
            : loss.ImageGlobal!.mul(lambda).add(loss.TextGlobal!.mul(1 - lambda));

        (GlobalLocalScores, Tensor)? Scores(DenseBatch? batch, Tensor? labels) =>
            batch is null ? null : (GlobalLocalScores.Of(batch.Global, batch.Local, batch.Keep, side, _rule), labels!);
    }

    private (DenseBatch? Batch, Tensor? Labels) Batch(IDenseRows? source, IEnumerable<(int Row, MultiLabelItem Item)> rows, bool masked)
    {
        (int Row, MultiLabelItem Item)[] used = [.. rows.Where(r => r.Row >= 0)];
        if (source is null || used.Length == 0)
        {
            return (null, null);
        }
        float[] labels = [.. used.SelectMany(r => r.Item.Labels)];
        return (
            DenseBatch.Take(source, [.. used.Select(r => r.Row)], clip.FeatureDimension, masked, clip.Device),
            Layers.Tensors.Of(labels, [used.Length, options.ClassNames.Count], clip.Device)
        );
    }

    private MultiLabelState State(
        ContextPrompts prompts,
        (Tensor First, Tensor Second) context,
        Tensor? adapter,
        Tensor alpha,
        Tensor attention
    )
    {
        using var off = no_grad();
        var one = options.Prompt == MultiLabelPrompt.Global;
        return new(
            options.ClassNames.Count,
            clip.FeatureDimension,
            Numbers(ClipModel.Normalise(prompts.ClassFeatures(context.First))),
            Numbers(ClipModel.Normalise(prompts.ClassFeatures(one ? context.First : context.Second))),
            adapter is null ? [] : Numbers(adapter),
            alpha.item<float>(),
            Numbers(attention),
            options.LogitScale,
            options.TestKappa,
            [.. Numbers(context.First), .. one ? [] : Numbers(context.Second)]
        );

        static float[] Numbers(Tensor tensor) => tensor.detach().cpu().contiguous().data<float>().ToArray();
    }
}
