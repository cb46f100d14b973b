namespace TorchSharp.Tests;

/// <summary>Random indices, read and assigned, against a plain implementation of the same rules.</summary>
[TestClass]
public class IndexingTests
{
    private const int Rounds = 400;

    // One item of an index: what the tensor gets, and the places in the source that it stands for. A number gives the result
    // no dimension, a new dimension reads none of the source, and an ellipsis carries the lengths that it skips.
    private sealed record Item(string Text, TensorIndex Index, long[] Places, bool IsNumber = false, bool IsNew = false);

    [TestMethod]
    public void Slices_numbers_ellipsis_and_new_dimensions_read_like_loops()
    {
        var random = new Random(21);
        for (var round = 0; round < Rounds; round++)
        {
            using var scope = NewDisposeScope();
            var (source, items, text) = Draw(random, tensors: false);
            Expected(source, items).AreSame(source.ToTensor()[Plain(items)], text);
        }
    }

    [TestMethod]
    public void One_integer_tensor_among_slices_reads_like_loops()
    {
        var random = new Random(22);
        for (var round = 0; round < Rounds; round++)
        {
            using var scope = NewDisposeScope();
            var (source, items, text) = Draw(random, tensors: true);
            Expected(source, items).AreSame(source.ToTensor()[Plain(items)], text);
        }
    }

    [TestMethod]
    public void Assignment_changes_what_reading_reads_and_nothing_else()
    {
        var random = new Random(23);
        for (var round = 0; round < Rounds; round++)
        {
            using var scope = NewDisposeScope();
            var (source, items, text) = Draw(random, tensors: round % 2 == 0);
            var value = NdArray.Random(random, Expected(source, items).Shape);
            var expected = source.Copy();
            Walk(source.Shape, items, (from, to) => expected.Put(from, value.At(to)));
            var target = source.ToTensor();
            target[Plain(items)] = value.ToTensor();
            expected.AreSame(target, text);

            // One number for all of them.
            Walk(source.Shape, items, (from, _) => expected.Put(from, 7));
            target[Plain(items)] = tensor(7.0);
            expected.AreSame(target, text + " = 7");
        }
    }

    [TestMethod]
    public void Masks_read_and_write_like_loops()
    {
        var random = new Random(24);
        for (var round = 0; round < Rounds; round++)
        {
            using var scope = NewDisposeScope();
            var shape = Shape(random);
            var source = NdArray.Random(random, shape);
            var covered = random.Next(1, shape.Length + 1);
            var mask = NdArray.Filled(shape[..covered], _ => random.Next(2));
            var rest = shape[covered..];
            var chosen = NdArray.Indices(mask.Shape).Where(at => mask.At(at) == 1).ToArray();
            var result = NdArray.Filled([chosen.Length, .. rest], at => source.At([.. chosen[at[0]], .. at[1..]]));
            var tensor = source.ToTensor();
            var selector = mask.ToTensor().to(ScalarType.Bool);
            result.AreSame(tensor[selector], $"mask over {covered} of {shape.Length} dimensions");
            tensor[selector] = torch.tensor(-3.0);
            NdArray.Filled(shape, at => mask.At(at[..covered]) == 1 ? -3 : source.At(at)).AreSame(tensor, $"masked assignment over {covered} of {shape.Length} dimensions");
        }
    }

    [TestMethod]
    public void Several_integer_tensors_pick_points_and_broadcast()
    {
        var random = new Random(25);
        for (var round = 0; round < Rounds; round++)
        {
            using var scope = NewDisposeScope();
            long[] shape = [random.NextInt64(1, 6), random.NextInt64(1, 6), random.NextInt64(1, 4)];
            var source = NdArray.Random(random, shape);
            var (n, m) = (random.NextInt64(1, 4), random.NextInt64(1, 4));
            var rows = NdArray.Filled([n, 1], _ => random.NextInt64(-shape[0], shape[0]));
            var columns = NdArray.Filled([m], _ => random.NextInt64(-shape[1], shape[1]));
            long Wrap(double index, long length) => (long)index < 0 ? (long)index + length : (long)index;
            var expected = NdArray.Filled([n, m, shape[2]], at => source.At([Wrap(rows.At([at[0], 0]), shape[0]), Wrap(columns.At([at[1]]), shape[1]), at[2]]));
            expected.AreSame(source.ToTensor()[rows.ToTensor().to(int64), columns.ToTensor().to(int64)], "points");
        }
    }

    [TestMethod]
    public void Numbers_outside_a_dimension_are_refused()
    {
        var random = new Random(26);
        for (var round = 0; round < 100; round++)
        {
            using var scope = NewDisposeScope();
            var shape = Shape(random);
            var axis = random.Next(shape.Length);
            var items = Enumerable.Repeat(TensorIndex.Colon, shape.Length).ToArray();
            items[axis] = random.Next(2) == 0 ? shape[axis] + random.Next(3) : -shape[axis] - 1 - random.Next(3);
            using var target = zeros(shape);
            Assert.Throws<Exception>(() => target[items]);
            Assert.Throws<Exception>(() => target[items] = ones(1));
            Assert.AreEqual(0f, target.sum().item<float>());
        }
    }

    private static TensorIndex[] Plain(IEnumerable<Item> items) => [.. items.Select(i => i.Index)];

    private static long[] Shape(Random random) => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.NextInt64(1, 6))];

    private static NdArray Expected(NdArray source, List<Item> items)
    {
        var shape = items.Where(i => !i.IsNumber).SelectMany(i => i.IsNew ? [1L] : Ellipsis(i) ? i.Places : [(long)i.Places.Length]);
        var result = NdArray.Filled([.. shape], _ => double.NaN);
        Walk(source.Shape, items, (from, to) => result.Put(to, source.At(from)));
        return result;
    }

    // Visits each pair of places: in the source, and in the result.
    private static void Walk(long[] source, List<Item> items, Action<long[], long[]> visit)
    {
        void Step(int item, List<long> from, List<long> to)
        {
            if (item == items.Count)
            {
                visit([.. from], [.. to]);
                return;
            }
            var i = items[item];
            if (i.IsNew) Step(item + 1, from, [.. to, 0]);
            else if (i.IsNumber) Step(item + 1, [.. from, i.Places[0]], to);
            else if (Ellipsis(i))
                foreach (var at in NdArray.Indices(i.Places)) Step(item + 1, [.. from, .. at], [.. to, .. at]);
            else
                for (var k = 0; k < i.Places.Length; k++) Step(item + 1, [.. from, i.Places[k]], [.. to, k]);
        }
        Step(0, [], []);
    }

    private static bool Ellipsis(Item item) => item.Text == "...";

    private static (NdArray Source, List<Item> Items, string Text) Draw(Random random, bool tensors)
    {
        var shape = Shape(random);
        var source = NdArray.Random(random, shape);
        var skipFrom = random.Next(shape.Length + 1);
        var skipped = random.Next(shape.Length - skipFrom + 1);
        var tensorAt = tensors ? random.Next(shape.Length) : -1;
        if (tensorAt >= skipFrom && tensorAt < skipFrom + skipped) skipped = 0;
        var items = new List<Item>();
        for (var d = 0; d < shape.Length; d++)
        {
            if (d == skipFrom)
            {
                items.Add(new("...", TensorIndex.Ellipsis, shape[d..(d + skipped)]));
                d += skipped;
                if (d >= shape.Length) break;
            }
            if (random.Next(5) == 0) items.Add(new("None", TensorIndex.None, [], IsNew: true));
            items.Add(d == tensorAt ? Chosen(random, shape[d]) : /* beside a tensor a number would move its dimension */ random.Next(4) == 0 && !tensors ? Number(random, shape[d]) : Slice(random, shape[d]));
        }
        if (skipFrom == shape.Length) items.Add(new("...", TensorIndex.Ellipsis, []));
        return (source, items, $"({string.Join(", ", shape)})[{string.Join(", ", items.Select(i => i.Text))}]");
    }

    private static Item Number(Random random, long length)
    {
        var index = random.NextInt64(-length, length);
        return new($"{index}", index, [index < 0 ? index + length : index], IsNumber: true);
    }

    private static Item Chosen(Random random, long length)
    {
        // Each place at most once, so that an assignment has one meaning.
        var places = Enumerable.Range(0, (int)length).Select(k => (long)k).OrderBy(_ => random.Next()).Take(random.Next(1, (int)length + 1)).ToArray();
        var given = places.Select(p => random.Next(2) == 0 ? p : p - length).ToArray();
        return new($"[{string.Join(", ", given)}]", TensorIndex.Tensor(tensor(given)), places);
    }

    private static Item Slice(Random random, long length)
    {
        long? Bound() => random.Next(3) == 0 ? null : random.NextInt64(-length - 2, length + 3);
        long? start = Bound(), stop = Bound(), step = random.Next(2) == 0 ? null : random.NextInt64(1, 4);
        long Place(long? bound, long otherwise) => bound is not { } b ? otherwise : Math.Clamp(b < 0 ? b + length : b, 0, length);
        var places = new List<long>();
        for (var k = Place(start, 0); k < Place(stop, length); k += step ?? 1) places.Add(k);
        return new($"{start}:{stop}:{step}", TensorIndex.Slice(start, stop, step), [.. places]);
    }
}
